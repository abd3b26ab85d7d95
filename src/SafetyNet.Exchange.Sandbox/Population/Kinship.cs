using SafetyNet.Exchange.Protocol.Identifiers;

namespace SafetyNet.Exchange.Sandbox.Population;

/// <summary>Finds the register's word (稱謂) for what a member is to the head, from blood and marriage alone.</summary>
internal static class Kinship
{
    private static readonly string[] Ordinals = ["長", "次", "三", "四", "五", "六", "七", "八"];

    public static (HouseholdRelation Relation, string Text) ToHead(Relative member, Relative head)
    {
        var male = member.Sex == Sex.Male;
        if (member == head)
            return (HouseholdRelation.Head, "戶長");
        if (member == head.Spouse)
            return (HouseholdRelation.Spouse, male ? "夫" : "妻");
        if (IsParent(head, member))
            return (HouseholdRelation.Child, ChildText(member, head));
        if (IsParent(member, head))
            return (HouseholdRelation.Parent, male ? "父" : "母");
        if (member.Spouse is { } spouse && IsParent(head, spouse))
            return (HouseholdRelation.ChildInLaw, male ? "婿" : "媳");
        if (AreSiblings(member, head))
            return (HouseholdRelation.Sibling, (male, member.Birth < head.Birth) switch
            {
                (true, true) => "兄",
                (true, false) => "弟",
                (false, true) => "姊",
                (false, false) => "妹",
            });
        return Further(member, head, male);
    }

    private static (HouseholdRelation Relation, string Text) Further(Relative member, Relative head, bool male)
    {
        foreach (var between in Parents(member))
        {
            var throughDaughter = between.Sex == Sex.Female;
            if (IsParent(head, between))
                return (HouseholdRelation.Grandchild, (throughDaughter ? "外孫" : "孫") + (male ? "" : "女"));
            if (AreSiblings(between, head))
                return (HouseholdRelation.NieceOrNephew, (throughDaughter ? "外甥" : "姪") + (male ? "" : "女"));
        }

        foreach (var between in Parents(head))
        {
            if (IsParent(member, between))
                return (HouseholdRelation.Grandparent, (between.Sex == Sex.Female ? "外祖" : "祖") + (male ? "父" : "母"));
        }

        return (HouseholdRelation.OtherRelative, "其他親屬");
    }

    private static string ChildText(Relative child, Relative parent)
    {
        if (child.IsAdopted)
            return child.Sex == Sex.Male ? "養子" : "養女";
        var elder = 0;
        foreach (var other in parent.Children)
        {
            if (other.Sex == child.Sex && !other.IsAdopted && other.Birth < child.Birth)
                elder++;
        }

        return Ordinals[Math.Min(elder, Ordinals.Length - 1)] + (child.Sex == Sex.Male ? "子" : "女");
    }

    private static bool IsParent(Relative parent, Relative child) => child.Father == parent || child.Mother == parent;

    private static bool AreSiblings(Relative one, Relative other) =>
        (one.Father is not null && one.Father == other.Father) || (one.Mother is not null && one.Mother == other.Mother);

    private static IEnumerable<Relative> Parents(Relative child)
    {
        if (child.Father is not null)
            yield return child.Father;
        if (child.Mother is not null)
            yield return child.Mother;
    }
}
