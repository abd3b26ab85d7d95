using System.Text;
using SafetyNet.Exchange.Cli.Commands;
using SafetyNet.Exchange.Cli.Households;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Deliveries;

/// <summary>A file of a register becomes rows of a delivery, and the delivery a receipt (R-HH-3).</summary>
[Trait("Rule", "R-HH-3")]
public sealed class RegisterFileTests(TestExchange exchange) : WireTests(exchange), IDisposable
{
    private const string Header = "national_id,event,name,sex,birth_date,household_number,role,place,address,district,protected,valid_from";

    private readonly string _folder = Directory.CreateTempSubdirectory("safetynet-register-").FullName;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_row_says_the_same_in_UTF_8_and_in_Big5_and_one_that_cannot_be_read_keeps_its_number(bool big5)
    {
        var id = Register.NewId(Sex.Male);
        using var file = Open(big5, $"{id},,林小明,男,19850304,H1,戶長,0,臺北市萬華區,萬華區,是,2026/02/01", "a,b", $"{id},死亡,,,,,,,,,,2026-03-01", $"{id},,林,X,1985-03-04,H1,長子,x,a,b,也許,2026-02-01");
        var rows = file.ReadRows().ToList();
        Assert.Equal(4, file.Rows);
        Assert.Equal([2, 3, 4, 5], rows.Select(row => row.FileLine));
        Assert.Equal(
            new Wire.RegisterRow
            {
                Event = Wire.RegisterEvent.Registered, NationalId = id, Name = "林小明", Sex = Wire.Sex.Male, BirthDate = "1985-03-04", HouseholdNumber = "H1", Role = "戶長", Address = "臺北市萬華區", District = "萬華區",
                Protected = true, ValidFrom = "2026-02-01",
            },
            rows[0].Row);
        Assert.True(rows[1].Row.Unreadable);
        Assert.Equal((Wire.RegisterEvent.Died, "2026-03-01"), (rows[2].Row.Event, rows[2].Row.ValidFrom));
        // Nothing is guessed: neither a sex nor whether somebody must be protected.
        Assert.True(rows[3].Row.Unreadable && !Enum.IsDefined(rows[3].Row.Sex) && rows[3].Row.Place > 999);
    }

    [Fact]
    public void A_file_that_is_no_register_sends_nothing()
    {
        Assert.Contains("Unknown: nationality", Assert.Throws<FormatException>(() => Open(false, Header + ",nationality", [])).Message, StringComparison.Ordinal);
        Assert.Contains("Missing: name", Assert.Throws<FormatException>(() => Open(false, Header.Replace(",name", "", StringComparison.Ordinal), [])).Message, StringComparison.Ordinal);
        Assert.Contains("line 2", Assert.Throws<FormatException>(() => Open(false, "\"a")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_is_delivered_once_however_often_it_is_imported()
    {
        await using var own = await TestExchange.StartEmptyAsync();
        var register = new The(own).Register;
        var rows = Enumerable.Range(0, 1200).Select(number => $"{Register.NewId(Sex.Female)},,林小{number},女,1985-03-04,H{number},戶長,0,臺北市,{(number == 700 ? "板橋區" : "萬華區")},,2026-02-01").ToArray();
        using var file = Open(false, rows);
        var (import, told) = (new RegisterImport(register.Channel.HouseholdDeliveries, register.Context(), file), new List<long>());
        Task<Wire.HouseholdDelivery> RunAsync(int again) => import.RunAsync(Wire.DeliveryKind.Full, DeliveryMoves.AsOf, again, confirmShort: false, told.Add, CancellationToken.None);

        // A first run came as far as the first stretch, and was cut.
        var begun = await register.AskAsync(to => to.HouseholdDeliveries.BeginDeliveryAsync(new()
        {
            Context = register.Context(), RequestId = file.RequestIdOf(Wire.DeliveryKind.Full, DeliveryMoves.AsOf, 0), Kind = Wire.DeliveryKind.Full, AsOf = DeliveryMoves.AsOf, AnnouncedRows = file.Rows,
        }));
        await register.StreamsAsync(register.Messages(begun.Delivery.DeliveryId, [.. file.ReadRows().Select(row => row.Row)], size: 333).Take(1));
        var delivered = await RunAsync(again: 0);
        Assert.Equal((begun.Delivery.DeliveryId, (1199L, 0L, 0L, 0L, 1L)), (delivered.DeliveryId, delivered.Buckets()));
        Assert.Equal(RegisterImport.HashOf(file), delivered.ContentSha256.ToByteArray());
        Assert.Equal((333, 1200), (told[0], told[^1]));
        var fault = Assert.Single(await import.RejectionsAsync(delivered.DeliveryId, CancellationToken.None));
        Assert.Equal((701, "district", Wire.RegisterFault.UnknownDistrict), (fault.Line, fault.Field, fault.Fault));

        Assert.Equal(delivered, await RunAsync(again: 0));
        Assert.Equal((0, 0, 1199, 0, 1), (await RunAsync(again: 1)).Buckets());
        await register.AbandonsAsync((await register.AskAsync(to => to.HouseholdDeliveries.BeginDeliveryAsync(new()
        {
            Context = register.Context(), RequestId = file.RequestIdOf(Wire.DeliveryKind.Full, DeliveryMoves.AsOf, 2), Kind = Wire.DeliveryKind.Full, AsOf = DeliveryMoves.AsOf, AnnouncedRows = file.Rows,
        }))).Delivery.DeliveryId);
        await Assert.ThrowsAsync<CommandFailedException>(() => RunAsync(again: 2));
    }

    void IDisposable.Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        Dispose();
    }

    private RegisterFile Open(bool big5, params string[] rows) => Open(big5, Header, rows);

    private RegisterFile Open(bool big5, string header, string[] rows)
    {
        var path = Path.Combine(_folder, $"{Guid.CreateVersion7(TimeProvider.System.GetUtcNow())}.csv");
        var encoding = big5 ? CodePagesEncodingProvider.Instance.GetEncoding(950)! : Encoding.UTF8;
        File.WriteAllBytes(path, encoding.GetBytes(string.Join('\n', rows.Prepend(header)) + "\n"));
        return RegisterFile.Open(path, big5);
    }
}
