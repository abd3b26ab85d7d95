Console.WriteLine("safetynet");
