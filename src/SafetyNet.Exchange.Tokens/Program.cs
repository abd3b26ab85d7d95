Console.WriteLine("tokens");
