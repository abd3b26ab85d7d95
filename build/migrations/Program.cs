using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;
using Microsoft.EntityFrameworkCore.Migrations.Design;
using Microsoft.EntityFrameworkCore.Sqlite.Design.Internal;
using Microsoft.Extensions.DependencyInjection;
using SafetyNet.Exchange.Server.Storage;

// Developers only: writes the next migration of the server's model.
//   dotnet run --project build/migrations -- NAME
if (args is not [var name])
{
    await Console.Error.WriteLineAsync("usage: dotnet run --project build/migrations -- NAME");
    return 2;
}

var folder = Path.Combine(Directory.GetCurrentDirectory(), "src", "SafetyNet.Exchange.Server", "Storage", "Migrations");
if (!Directory.Exists(Path.GetDirectoryName(folder)))
{
    await Console.Error.WriteLineAsync("run it from the top of the repository");
    return 2;
}

await using var db = new ExchangeDb(new DbContextOptionsBuilder<ExchangeDb>().UseSqlite("Data Source=:memory:").Options);
var services = new ServiceCollection().AddEntityFrameworkDesignTimeServices().AddDbContextDesignTimeServices(db);
new SqliteDesignTimeServices().ConfigureDesignTimeServices(services);
await using var provider = services.BuildServiceProvider();
var scaffolder = provider.GetRequiredService<IMigrationsScaffolder>();
var migration = scaffolder.ScaffoldMigration(name, "SafetyNet.Exchange.Server", "Storage.Migrations");
Directory.CreateDirectory(folder);
Write($"{migration.MigrationId}.cs", migration.MigrationCode);
Write($"{migration.MigrationId}.Designer.cs", migration.MetadataCode);
Write($"{migration.SnapshotName}.cs", migration.SnapshotCode);
return 0;

void Write(string file, string code)
{
    // The context is internal to the server; the scaffolder writes public classes over it.
    var path = Path.Combine(folder, file);
    File.WriteAllText(path, code.Replace("public partial class", "internal partial class", StringComparison.Ordinal)
        .Replace("\r\n", "\n", StringComparison.Ordinal).TrimStart('﻿'));
    Console.WriteLine(Path.GetRelativePath(Directory.GetCurrentDirectory(), path));
}
