namespace SafetyNet.Exchange.Tests.Year;

/// <summary>A family as the test knows it: one person, whom it invented.</summary>
internal sealed class YearFamily(int number, Wire.ReferralSubject subject)
{
    public int Number { get; } = number;

    public Wire.ReferralSubject Subject { get; } = subject;

    public List<YearReport> Reports { get; } = [];

    /// <summary>Empty: none is open.</summary>
    public string CaseId { get; set; } = "";

    /// <summary>Empty while no case is open.</summary>
    public string PrimaryUnit { get; set; } = "";
}

/// <summary>What the test sent and was answered about one report.</summary>
internal sealed class YearReport(int number, YearFamily family, string reporterUnit, Wire.ReportContent content, bool isProtective, bool isChildProtective, Random random)
{
    public int Number { get; } = number;

    public YearFamily Family { get; } = family;

    public string ReporterUnit { get; } = reporterUnit;

    public Wire.ReportContent Content { get; } = content;

    public bool IsProtective { get; } = isProtective;

    /// <summary>A protective report about a child, as a campus-safety report asks for one (R-INT-7).</summary>
    public bool IsChildProtective { get; } = isChildProtective;

    /// <summary>Chance of this report alone, so that what others do at the same time changes nothing of it.</summary>
    public Random Random { get; } = random;

    public string Id { get; set; } = "";

    public string Resource => $"report/{Id}";

    public DateTimeOffset ReceivedAt { get; set; }

    public Wire.ReportState State { get; set; }

    public Wire.ReportClass Class { get; set; }

    public YearReport? First { get; set; }

    public bool HasDuplicates { get; set; }

    public string LeadUnit { get; set; } = "";

    /// <summary>Referral by which the lead serves; null: none leads.</summary>
    public YearReferral? LeadReferral { get; set; }

    public List<YearReferral> Offers { get; } = [];

    public IEnumerable<YearReferral> LiveOffers => Offers.Where(offer => offer.IsOffer && offer.State is Wire.ReferralState.Submitted or Wire.ReferralState.Delivered or Wire.ReferralState.Seen or Wire.ReferralState.Returned);

    public bool IsDutyOpen { get; set; }

    public bool WasDisputed { get; set; }

    /// <summary>How often it was dispatched.</summary>
    public int Rounds { get; set; }
}

/// <summary>What the test knows of one referral.</summary>
internal sealed class YearReferral(string id, YearFamily family, string fromUnit, string toUnit, bool isProtective)
{
    public YearFamily Family { get; } = family;

    public string Id { get; } = id;

    public string Resource => $"referral/{Id}";

    public string FromUnit { get; } = fromUnit;

    public string ToUnit { get; } = toUnit;

    public bool IsProtective { get; } = isProtective;

    public Wire.ReferralState State { get; set; } = Wire.ReferralState.Submitted;

    /// <summary>It is one of those by which the desk dispatched a report.</summary>
    public bool IsOffer { get; init; }

    /// <summary>When the offer ends; null: it does not.</summary>
    public DateTimeOffset? Until { get; init; }

    public string Worker { get; set; } = "";

    /// <summary>It is being handed on or taken back.</summary>
    public bool IsPending { get; set; }

    public bool IsServed => State is Wire.ReferralState.Accepted or Wire.ReferralState.InService;
}

/// <summary>A time limit that the test expects to have run.</summary>
internal sealed record YearClock(Wire.ClockKind Kind, bool IsProtective, string Resource, string Unit, string Tells, DateTimeOffset StartedAt)
{
    public DateTimeOffset? StoppedAt { get; set; }
}

/// <summary>The clocks that the test expects, started and stopped by the deeds that it made itself.</summary>
internal sealed class ExpectedClocks
{
    private readonly Dictionary<(string, Wire.ClockKind, string), YearClock> _running = [];
    private readonly Lock _lock = new();

    public List<YearClock> All { get; } = [];

    public void Start(Wire.ClockKind kind, bool isProtective, string resource, string unit, string tells, DateTimeOffset at)
    {
        var clock = new YearClock(kind, isProtective && Limits.HasProtective(kind), resource, unit, tells, at);
        lock (_lock)
            if (_running.TryAdd((resource, kind, unit), clock)) All.Add(clock);
    }

    public void Stop(string resource, Wire.ClockKind kind, string unit, DateTimeOffset at)
    {
        lock (_lock)
            if (_running.Remove((resource, kind, unit), out var clock)) clock.StoppedAt = at;
    }
}
