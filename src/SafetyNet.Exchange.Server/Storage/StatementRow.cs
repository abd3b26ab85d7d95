namespace SafetyNet.Exchange.Server.Storage;

/// <summary>
/// A row that is written by a prepared statement instead of EF Core: for what comes by the million (docs/decisions/0028). It goes the one way of every change, with its record, or not at all;
/// its table and columns are those of the model.
/// </summary>
internal interface IStatementRow
{
    /// <summary>A constant; its values are <c>?1</c>, <c>?2</c> ...</summary>
    string Sql { get; }

    /// <summary>Gives every value of the statement.</summary>
    void Bind(HotStatement statement);
}
