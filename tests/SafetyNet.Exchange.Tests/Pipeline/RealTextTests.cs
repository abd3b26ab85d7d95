using SafetyNet.Exchange.Server.Pipeline;

namespace SafetyNet.Exchange.Tests.Pipeline;

[Trait("Rule", "R-NTK-11")]
[Trait("Abuse", "B40")]
public sealed class RealTextTests
{
    [Theory]
    [InlineData("個案於電話中表示要帶孩子跳樓，需立即確認住所。")]
    [InlineData("鄰居聽聞呼救及打罵聲，警方到場無人應門，需查明同住兒童。")]
    [InlineData("Caller says she will jump with her child; address needed now.")]
    [InlineData("個案 Amy 傳簡訊稱已服下大量安眠藥，需聯絡家屬")]
    public void Words_of_a_person_pass(string text) => Assert.True(RealText.IsReal(text));

    [Theory]
    [InlineData("")]
    [InlineData("asdf")]
    [InlineData("緊急危險")]
    [InlineData("asdf asdf asdf asdf as")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    [InlineData("emergency emergency emergency")]
    [InlineData("asdfghjkl asdfghjkl asdfghj")]
    [InlineData("緊急緊急緊急緊急緊急緊急緊急緊急緊急緊急緊急")]
    [InlineData("當事人有立即自殺危險當事人有立即自殺危險當事人有")]
    [InlineData("12345678901234567890 123")]
    [InlineData("need                                       it now!!")]
    [InlineData("....................................")]
    [InlineData("qwertyuiop asdfghjkl zxcvbnm")]
    [InlineData("Immediate danger immediate DANGER immediate danger")]
    public void Filling_does_not(string text) => Assert.False(RealText.IsReal(text));
}
