using SafetyNet.Exchange.Protocol.Identifiers;

namespace SafetyNet.Exchange.Sandbox.Population;

/// <summary>
/// Makes one extended family: a couple of the eldest generation, their descendants as of <see cref="SyntheticPopulation.AsOf"/>, those they
/// married, and where each of them is registered. How often things happen is plausible for Taiwan, not a statistic.
/// </summary>
internal sealed class Family
{
    private const int ProtectedFamily = 0;
    private const int ImmigrantFamily = 1;

    private static readonly DateOnly AsOf = SyntheticPopulation.AsOf;

    private readonly Draw draw;
    private readonly Jurisdiction jurisdiction;
    private readonly List<Home> homes = [];
    private bool inLawsMade;
    private UnionForm? nextUnion;
    private bool nextSpouseIsImmigrant;

    private Family(int seed, int index)
    {
        draw = Draw.For(seed, index);
        jurisdiction = index switch
        {
            ProtectedFamily => Gazetteer.Get("TPE"),
            ImmigrantFamily => Gazetteer.Get("TAO"),
            // Every ninth of the first two hundred families stands for one jurisdiction, so that the smallest occur as well.
            _ when index % 9 == 4 && index / 9 < Gazetteer.All.Count => Gazetteer.All[index / 9],
            _ => Gazetteer.Draw(draw),
        };
    }

    private enum UnionForm
    {
        Married,
        Divorced,

        /// <summary>隔代教養: the children live with their grandparents.</summary>
        ChildrenWithGrandparents,
    }

    /// <summary>The homes of a family, parents' before children's; none without a living adult as its head.</summary>
    public static List<Home> Make(int seed, int index)
    {
        var family = new Family(seed, index);
        if (index > ImmigrantFamily && family.draw.Chance(120))
            family.MakeSingle();
        else
            family.MakeGenerations(index);
        foreach (var home in family.homes)
            family.LetSomeDie(home);
        return family.homes;
    }

    /// <summary>One person living alone.</summary>
    public static List<Home> MakeSingle(int seed, int index)
    {
        var family = new Family(seed, index);
        family.MakeSingle();
        return family.homes;
    }

    private void MakeSingle()
    {
        var birth = draw.Day(AsOf.AddYears(-88), AsOf.AddYears(-20));
        var sex = draw.Chance(500) ? Sex.Male : Sex.Female;
        Settle(MakeLocal(sex, birth, Surnames.Draw(draw), draw.Chance(jurisdiction.IndigenousPerMille), jurisdiction), jurisdiction);
    }

    private void MakeGenerations(int index)
    {
        var arranged = index <= ImmigrantFamily;
        var birth = arranged
            ? draw.Day(new DateOnly(1948, 1, 1), new DateOnly(1952, 12, 31))
            : draw.Day(new DateOnly(1934, 1, 1), new DateOnly(1962, 12, 31));
        var indigenous = draw.Chance(jurisdiction.IndigenousPerMille);
        var husband = MakeLocal(Sex.Male, birth, Surnames.Draw(draw), indigenous, jurisdiction);
        var wife = MakeLocal(Sex.Female, birth.AddDays(draw.Between(-700, 2200)), Surnames.Draw(draw), indigenous && draw.Chance(700), jurisdiction);
        Marry(husband, wife);
        if (husband.Origin == PersonOrigin.Local && draw.Chance(60))
            wife.Name = husband.Surname + wife.Name; // 冠夫姓, as older women still have it
        var home = Settle(husband, jurisdiction);
        home.Add(wife);

        var children = wife.Birth.Year switch
        {
            < 1945 => draw.Between(3, 5),
            < 1955 => draw.Between(2, 4),
            _ => draw.Between(1, 3),
        };
        DateOnly? notBefore = arranged ? draw.Day(new DateOnly(1978, 1, 1), new DateOnly(1985, 12, 31)) : null;
        BearChildren(husband, wife, children, 19, jurisdiction, notBefore);
        if (arranged)
            Arrange(index, husband.Children[0]);
        foreach (var child in husband.Children)
            LiveOn(child, home);
    }

    /// <summary>What the first two families are there for (see <see cref="SyntheticPopulation"/>).</summary>
    private void Arrange(int index, Relative firstChild)
    {
        nextUnion = index == ProtectedFamily ? UnionForm.Divorced : UnionForm.Married;
        nextSpouseIsImmigrant = index == ImmigrantFamily;
        if (firstChild.Sex != Sex.Male)
        {
            // Told before anyone else is: a son it is, with a name and a number of one.
            firstChild.Sex = Sex.Male;
            GiveLocalName(firstChild);
        }
    }

    /// <summary>The grown child of a home marries or not, stays or goes, and the same for the generation after.</summary>
    private void LiveOn(Relative person, Home parental)
    {
        var age = person.AgeAsOf;
        if (age < 20)
        {
            parental.Add(person);
            return;
        }

        var forced = nextUnion;
        nextUnion = null;
        var marries = draw.Chance(age switch { >= 38 => 800, >= 30 => 520, >= 25 => 180, _ => 30 });
        if (forced is null && !marries)
        {
            LiveUnmarried(person, parental);
            return;
        }

        var partner = MakePartner(person);
        var (father, mother) = person.Sex == Sex.Male ? (person, partner) : (partner, person);
        var place = PlaceToLive();
        if (forced is null)
            BearChildren(father, mother, NumberOfChildren(mother), 20, place);
        else
            BearChildren(father, mother, 2, 20, place, draw.Day(AsOf.AddYears(-14), AsOf.AddYears(-8)));
        var form = forced ?? DrawForm(father.Children.Count > 0);
        switch (form)
        {
            case UnionForm.Married:
                Marry(father, mother);
                LiveMarried(person, father, mother, parental, place);
                break;
            case UnionForm.Divorced:
                LiveDivorced(person, father, mother, parental, place, isProtected: forced is not null || draw.Chance(60));
                break;
            default:
                Marry(father, mother);
                foreach (var child in father.Children)
                    LiveOn(child, parental);
                SettleCouple(father, mother, place);
                break;
        }
    }

    private UnionForm DrawForm(bool hasChildren) => draw.Below(100) switch
    {
        < 16 => UnionForm.Divorced,
        < 20 when hasChildren => UnionForm.ChildrenWithGrandparents,
        _ => UnionForm.Married,
    };

    private void LiveUnmarried(Relative person, Home parental)
    {
        var home = draw.Chance(550) ? parental : Settle(person, PlaceToLive());
        if (home == parental)
            parental.Add(person);
        if (person.Sex != Sex.Female || person.AgeAsOf < 22 || !draw.Chance(90))
            return;

        // A single mother: the father is not registered, the child has her surname.
        BearChildren(null, person, draw.Between(1, 2), 18, home.Jurisdiction);
        foreach (var child in person.Children)
            LiveOn(child, home);
    }

    private void LiveMarried(Relative person, Relative father, Relative mother, Home parental, Jurisdiction place)
    {
        // Three generations under one roof, most often with a son.
        var stays = parental.Members.Count < 6 && draw.Chance(person.Sex == Sex.Male ? 330 : 80);
        var home = stays ? parental : SettleCouple(father, mother, place);
        if (stays)
        {
            home.Add(father);
            home.Add(mother);
        }

        if (father.Children.Count == 0 && mother.AgeAsOf is >= 40 and < 70 && draw.Chance(150))
            Adopt(father, mother, home);
        foreach (var child in father.Children)
            LiveOn(child, home);
    }

    private void LiveDivorced(Relative person, Relative father, Relative mother, Home parental, Jurisdiction place, bool isProtected)
    {
        var former = person == father ? mother : father;
        Home own;
        if (draw.Chance(350))
        {
            own = parental;
            parental.Add(person);
        }
        else
        {
            own = Settle(person, place);
        }

        var apart = Settle(former, isProtected ? Gazetteer.Draw(draw) : PlaceToLive());
        var withMother = isProtected || draw.Chance(600);
        var custodial = (withMother ? mother : father) == person ? own : apart;
        foreach (var child in father.Children)
            LiveOn(child, custodial);
        if (!isProtected)
            return;

        // A mother who fled with her minor children: her home is the one not to be told.
        mother.IsProtected = true;
        foreach (var child in mother.Children)
            child.IsProtected = child.IsMinor;
    }

    private Home SettleCouple(Relative father, Relative mother, Jurisdiction place)
    {
        var (head, other) = draw.Chance(680) ? (father, mother) : (mother, father);
        var home = Settle(head, place);
        home.Add(other);
        return home;
    }

    private Home Settle(Relative head, Jurisdiction place)
    {
        var (district, address) = Gazetteer.DrawAddress(draw, place);
        var home = new Home(head, place, district, address);
        homes.Add(home);
        return home;
    }

    private Jurisdiction PlaceToLive() => draw.Chance(640) ? jurisdiction : Gazetteer.Draw(draw);

    private Relative MakePartner(Relative person)
    {
        var sex = person.Sex == Sex.Male ? Sex.Female : Sex.Male;
        var immigrant = nextSpouseIsImmigrant || draw.Chance(person.Sex == Sex.Male ? 90 : 20);
        if (immigrant && person.AgeAsOf >= 25)
        {
            var partner = MakeImmigrant(sex, person.Birth, nextSpouseIsImmigrant);
            nextSpouseIsImmigrant = false;
            return partner;
        }

        var birth = person.Birth.AddDays(person.Sex == Sex.Male ? draw.Between(-900, 2400) : draw.Between(-2400, 900));
        birth = birth > AsOf.AddYears(-19) ? AsOf.AddYears(-19) : birth;
        var indigenous = draw.Chance(person.Origin == PersonOrigin.Indigenous ? 600 : jurisdiction.IndigenousPerMille / 3);
        var local = MakeLocal(sex, birth, Surnames.Draw(draw), indigenous, PlaceToLive());
        if (!inLawsMade && draw.Chance(450))
            MakeInLaws(local);
        return local;
    }

    /// <summary>The other grandparents, who live elsewhere, perhaps with an unmarried child.</summary>
    private void MakeInLaws(Relative partner)
    {
        inLawsMade = true;
        var place = PlaceToLive();
        var indigenous = partner.Origin == PersonOrigin.Indigenous;
        var mother = MakeLocal(Sex.Female, partner.Birth.AddDays(-draw.Between(7400, 11000)), Surnames.Draw(draw), indigenous, place);
        var father = MakeLocal(Sex.Male, mother.Birth.AddDays(-draw.Between(-300, 1800)), partner.Surname, indigenous, place);
        if (mother.AgeAsOf > 92 || father.AgeAsOf > 92)
            return;
        Marry(father, mother);
        partner.HasParents(father, mother);
        var home = SettleCouple(father, mother, place);
        if (!draw.Chance(500))
            return;
        var sibling = MakeLocal(
            draw.Chance(500) ? Sex.Male : Sex.Female, partner.Birth.AddDays(draw.Between(400, 1500)), partner.Surname, indigenous, place);
        if (sibling.Birth > AsOf)
            return;
        sibling.HasParents(father, mother);
        if (sibling.AgeAsOf < 20 || draw.Chance(500))
            home.Add(sibling);
        else
            Settle(sibling, PlaceToLive());
    }

    private int NumberOfChildren(Relative mother) => mother.AgeAsOf switch
    {
        >= 60 => draw.Between(1, 3),
        >= 35 => draw.Between(0, 3),
        _ => draw.Between(0, 2),
    };

    /// <summary>Children at the ages people have them, as far as they are born by now.</summary>
    /// <param name="father">Null where he is not registered.</param>
    /// <param name="earliestAge">Of the younger parent at the first birth, in years.</param>
    /// <param name="place">Where the births are registered.</param>
    /// <param name="firstBirth">Fixed, unless a parent is too young then; null draws it from ten years on.</param>
    private void BearChildren(Relative? father, Relative mother, int count, int earliestAge, Jurisdiction place, DateOnly? firstBirth = null)
    {
        var earliest = mother.Birth.AddYears(earliestAge);
        if (father is not null && father.Birth.AddYears(earliestAge) > earliest)
            earliest = father.Birth.AddYears(earliestAge);
        var birth = firstBirth is { } day ? (day > earliest ? day : earliest) : earliest.AddDays(draw.Between(0, 3600));
        var fromMother = father is null || father.Origin == PersonOrigin.NewImmigrant || draw.Chance(25);
        var surname = fromMother && mother.Origin != PersonOrigin.NewImmigrant ? mother.Surname : father!.Surname;
        var indigenous = (father ?? mother).Origin == PersonOrigin.Indigenous || (mother.Origin == PersonOrigin.Indigenous && draw.Chance(500));
        for (var i = 0; i < count && birth <= AsOf && birth <= mother.Birth.AddYears(46); i++)
        {
            var child = new Relative
            {
                Sex = draw.Chance(519) ? Sex.Male : Sex.Female,
                Birth = birth,
                Surname = surname,
                Origin = indigenous ? PersonOrigin.Indigenous : PersonOrigin.Local,
                IdLetter = place.DrawIdLetter(draw, birth),
                IndigenousParent = father?.IndigenousName ?? mother.IndigenousName,
            };
            child.HasParents(father, mother);
            GiveLocalName(child);
            birth = birth.AddDays(draw.Between(420, 1500));
        }
    }

    /// <summary>A child taken in by a childless couple; an adopter is at least twenty years older (Civil Code, Article 1073).</summary>
    private void Adopt(Relative father, Relative mother, Home home)
    {
        var younger = father.Birth > mother.Birth ? father : mother;
        var child = new Relative
        {
            Sex = draw.Chance(500) ? Sex.Male : Sex.Female,
            Birth = draw.Day(younger.Birth.AddYears(30), AsOf.AddYears(-1)),
            Surname = father.Origin == PersonOrigin.NewImmigrant ? mother.Surname : father.Surname,
            IdLetter = home.Jurisdiction.IdLetters[0],
            IsAdopted = true,
        };
        child.HasParents(father, mother);
        GiveLocalName(child);
    }

    private static void Marry(Relative husband, Relative wife)
    {
        husband.Spouse = wife;
        wife.Spouse = husband;
    }

    private Relative MakeLocal(Sex sex, DateOnly birth, string surname, bool indigenous, Jurisdiction birthplace)
    {
        var person = new Relative
        {
            Sex = sex,
            Birth = birth,
            Surname = surname,
            Origin = indigenous ? PersonOrigin.Indigenous : PersonOrigin.Local,
            IdLetter = birthplace.DrawIdLetter(draw, birth),
        };
        GiveLocalName(person);
        return person;
    }

    private void GiveLocalName(Relative person)
    {
        var chinese = person.Surname + GivenNames.Draw(draw, person.Sex, person.Birth.Year);
        if (person.Origin == PersonOrigin.Indigenous)
        {
            var own = IndigenousNames.Draw(draw, person.Sex, person.IndigenousParent);
            person.IndigenousName = own;
            person.RomanisedName = own.Romanised;
            person.Name = draw.Chance(550) ? own.Chinese : chinese;
        }
        else
        {
            person.Name = chinese;
        }

        person.IdSecond = person.Sex == Sex.Male ? '1' : '2';
        person.IdSettled = null;
    }

    private Relative MakeImmigrant(Sex sex, DateOnly partnerBirth, bool onResidentCertificate)
    {
        var name = ImmigrantNames.Draw(draw, sex, mainlandPerMille: onResidentCertificate ? 0 : 420);
        var birth = partnerBirth.AddDays(sex == Sex.Female ? draw.Between(-300, 4400) : draw.Between(-2000, 1200));
        var mainland = name.Romanised is null;
        var person = new Relative
        {
            Sex = sex,
            Birth = birth > AsOf.AddYears(-22) ? AsOf.AddYears(-22) : birth,
            Surname = name.Surname,
            Name = name.Chinese,
            RomanisedName = name.Romanised,
            Origin = mainland ? PersonOrigin.MainlandImmigrant : PersonOrigin.NewImmigrant,
            IdLetter = jurisdiction.DrawIdLetter(draw, AsOf),
        };
        var male = sex == Sex.Male;
        switch (onResidentCertificate ? 99 : draw.Below(100))
        {
            case < 40: // naturalised or settled: a national id whose third digit tells so
                person.IdSecond = male ? '1' : '2';
                person.IdSettled = mainland ? 9 : 6;
                break;
            case < 60 when person.Birth.Year < 1999: // a certificate of before 2021: A, B for people from the mainland, C, D for foreigners
                person.IdSecond = (mainland, male) switch { (true, true) => 'A', (true, false) => 'B', (false, true) => 'C', _ => 'D' };
                break;
            default:
                person.IdSecond = male ? '8' : '9';
                person.IdSettled = mainland ? 9 : null;
                break;
        }

        return person;
    }

    /// <summary>Some of the old have died in the last twelve years; who survives them heads the home, and a home never empties.</summary>
    private void LetSomeDie(Home home)
    {
        foreach (var member in home.Members)
        {
            var perMille = member.AgeAsOf switch { >= 85 => 450, >= 75 => 220, >= 60 => 50, >= 30 => 8, _ => 0 };
            if (perMille == 0 || !draw.Chance(perMille))
                continue;
            var survivor = home.Members
                .Where(other => other != member && other.Death is null && other.AgeAsOf >= 20)
                .MinBy(other => other == member.Spouse ? DateOnly.MinValue : other.Birth);
            if (survivor is null)
                continue;
            var lastBirth = member.Children.Select(child => child.Birth).DefaultIfEmpty(DateOnly.MinValue).Max();
            var from = AsOf.AddYears(-12);
            member.Death = draw.Day(lastBirth > from ? lastBirth : from, AsOf);
            if (home.Head == member)
                home.Head = survivor;
        }
    }
}
