using SafetyNet.Exchange.Protocol.Identifiers;

namespace SafetyNet.Exchange.Sandbox.Population;

/// <summary>An invented person of the sandbox's household register. Nobody of this name, number and address exists by intent.</summary>
/// <param name="Number">1 upward without gaps over the population, ascending with the household number.</param>
/// <param name="Id">Shaped as UUIDv7, drawn from seed and number: the same in every run, ascending with the number.</param>
/// <param name="NationalId">Valid and unique in the population. New immigrants hold resident certificates of both forms, or a national id once naturalised.</param>
/// <param name="Name">As registered, in Chinese; <c>·</c> (U+00B7) parts the names of indigenous and some foreign persons.</param>
/// <param name="RomanisedName">In Latin letters as registered beside the Chinese one; null where there is none.</param>
/// <param name="Sex">The same as the national id carries.</param>
/// <param name="Origin">Which form of name and number to expect.</param>
/// <param name="BirthDate">Not after <see cref="SyntheticPopulation.AsOf"/>.</param>
/// <param name="DeathDate">Null for the living. The dead stay listed (除戶) with the household they died in.</param>
/// <param name="HouseholdNumber">The household of registration (戶籍).</param>
/// <param name="Relation">To the head of that household.</param>
/// <param name="RelationText">稱謂 as the register writes it, e.g. 戶長, 妻, 次女, 外孫.</param>
/// <param name="FatherNumber">The legal father, wherever he is registered; null where unknown or not in the population.</param>
/// <param name="MotherNumber">The legal mother; null where not in the population.</param>
/// <param name="SpouseNumber">The present husband or wife; null after a divorce, kept after a death.</param>
/// <param name="IsAdopted">The parents are adoptive ones (養父母).</param>
/// <param name="Phone">09xx-000-xxx, to be known as invented by the zeros in the middle; minors have the head's. Not unique.</param>
/// <param name="IsProtected">Whereabouts are protected (R-NTK-10).</param>
public sealed record SyntheticPerson(
    int Number,
    Guid Id,
    NationalId NationalId,
    string Name,
    string? RomanisedName,
    Sex Sex,
    PersonOrigin Origin,
    DateOnly BirthDate,
    DateOnly? DeathDate,
    int HouseholdNumber,
    HouseholdRelation Relation,
    string RelationText,
    int? FatherNumber,
    int? MotherNumber,
    int? SpouseNumber,
    bool IsAdopted,
    string Phone,
    bool IsProtected);

/// <summary>An invented household of the sandbox (戶): who is registered under one address and one head.</summary>
/// <param name="Number">1 upward without gaps over the population.</param>
/// <param name="Id">Shaped as UUIDv7, drawn from seed and number; never equal to a person's.</param>
/// <param name="JurisdictionCode">One of the 22 codes of ISO 3166-2:TW without the country, e.g. <c>TPE</c>.</param>
/// <param name="District">行政區, a real one of the jurisdiction, e.g. 信義區.</param>
/// <param name="Address">The whole address, beginning with jurisdiction and district; the street is an everyday name, the place invented.</param>
/// <param name="HeadNumber">戶長: alive and of age.</param>
/// <param name="Members">The head first, then by birth date. Never empty.</param>
public sealed record SyntheticHousehold(
    int Number,
    Guid Id,
    string JurisdictionCode,
    string District,
    string Address,
    int HeadNumber,
    IReadOnlyList<SyntheticPerson> Members);

/// <summary>How a member of a household stands to its head.</summary>
public enum HouseholdRelation
{
    /// <summary>戶長.</summary>
    Head = 1,

    /// <summary>夫, 妻.</summary>
    Spouse = 2,

    /// <summary>長子, 次女, 養子 and so on.</summary>
    Child = 3,

    /// <summary>父, 母.</summary>
    Parent = 4,

    /// <summary>兄, 弟, 姊, 妹.</summary>
    Sibling = 5,

    /// <summary>孫, 孫女, 外孫, 外孫女.</summary>
    Grandchild = 6,

    /// <summary>祖父, 祖母, 外祖父, 外祖母.</summary>
    Grandparent = 7,

    /// <summary>媳, 婿.</summary>
    ChildInLaw = 8,

    /// <summary>姪, 姪女, 外甥, 外甥女.</summary>
    NieceOrNephew = 9,

    /// <summary>其他親屬: further away than the register has a word of its own for here.</summary>
    OtherRelative = 10,
}

/// <summary>What form of name and number a person has.</summary>
public enum PersonOrigin
{
    /// <summary>Surname and given name in Chinese, national id.</summary>
    Local = 1,

    /// <summary>原住民族: an indigenous name in Latin letters, registered beside a Chinese name or its transliteration.</summary>
    Indigenous = 2,

    /// <summary>新住民 from South-East Asia: a romanised name and its Chinese form.</summary>
    NewImmigrant = 3,

    /// <summary>新住民 from mainland China: a Chinese name, a resident certificate or a national id given on settlement.</summary>
    MainlandImmigrant = 4,
}
