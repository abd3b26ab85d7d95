using System.Globalization;
using SafetyNet.Exchange.Protocol.Identifiers;

namespace SafetyNet.Exchange.Tests.Identifiers;

[Trait("Rule", "R-HH-1")]
public sealed class RegisteredDateTests
{
    [Theory]
    [InlineData("1986-01-01", "1986-1-1", "1986/01/01", "1986/1/1", "1986.1.1", "19860101", "1986年1月1日", "西元1986年1月1日", "公元 1986 年 1 月 1 日", "一九八六年一月一日", "75/1/1", "75-01-01", "075.01.01",
        "0750101", "75年1月1日", "民國75年1月1日", "民國75/1/1", "中華民國七十五年一月一日", "０７５０１０１", "７５／１／１", " 民國 75 年 01 月 01 日 ", "75年1月1")]
    [InlineData("1912-12-31", "民國1年12月31日", "民國元年十二月三十一日", "元年十二月卅一日", "1/12/31", "0011231")]
    [InlineData("1907-03-04", "民國前5年3月4日", "民前五年三月四日", "中華民國前5年3月4日", "民國前5/3/4")]
    [InlineData("2026-11-23", "115年11月23日", "1151123", "一百一十五年十一月廿三日", "民國一一五年十一月二十三日", "民國壹佰壹拾伍年十一月二十三日")]
    [InlineData("2024-02-29", "113/2/29", "1130229", "民國113年2月29日", "2024.2.29")]
    [InlineData("2011-01-02", "民國一〇〇年一月二日", "民國一百年一月二日", "民國100年1月2日", "1000102")]
    public void Written_forms_of_one_date_are_one(string date, params string[] forms)
    {
        foreach (var form in forms.Append(date))
        {
            Assert.True(RegisteredDate.TryParse(form, out var read), form);
            Assert.Equal(date, RegisteredDate.ToText(read));
        }
    }

    [Theory]
    // Either calendar could be meant.
    [InlineData("750101")]
    [InlineData("86/1/1/1")]
    [InlineData("")]
    [InlineData("0/1/1")]
    [InlineData("民國0年1月1日")]
    [InlineData("民國前0年1月1日")]
    [InlineData("民國1986年1月1日")]
    [InlineData("西元75年1月1日")]
    [InlineData("0000101")]
    [InlineData("00750101")]
    [InlineData("1849-12-31")]
    [InlineData("2200-01-01")]
    [InlineData("289/1/1")]
    [InlineData("民國前63年1月1日")]
    [InlineData("112/2/29")]
    [InlineData("1986-02-30")]
    [InlineData("1986-13-01")]
    [InlineData("1986-00-01")]
    [InlineData("1986-01-00")]
    [InlineData("1986-1/1")]
    [InlineData("1986-01-01T00:00")]
    [InlineData("-75/1/1")]
    [InlineData("民國七五年元月一日")]
    [InlineData("民國")]
    [InlineData("十十年一月一日")]
    [InlineData("75/1/1\u200B")]
    [InlineData("Jan 1 1986")]
    [InlineData("1986-01-01 1986-01-01 1986-01-01 1986-01-01")]
    public void What_is_no_date_or_two_dates_is_refused(string text)
    {
        Assert.False(RegisteredDate.TryParse(text, out var date));
        Assert.Equal(default, date);
    }

    [Fact]
    public void Every_day_of_350_years_is_read_from_either_calendar()
    {
        for (var day = new DateOnly(1850, 1, 1); day.Year < 2200; day = day.AddDays(1))
        {
            var (year, western) = (day.Year - 1911, day.ToString("yyyyMMdd", CultureInfo.InvariantCulture));
            string[] forms = year > 0
                ? [western, string.Create(CultureInfo.InvariantCulture, $"{year:000}{day.Month:00}{day.Day:00}"), string.Create(CultureInfo.InvariantCulture, $"{year}/{day.Month}/{day.Day}")]
                : [western, string.Create(CultureInfo.InvariantCulture, $"民國前{1 - year}年{day.Month}月{day.Day}日")];
            foreach (var form in forms)
            {
                if (!RegisteredDate.TryParse(form, out var read) || read != day) Assert.Fail($"{form} is read as {read:O}");
            }
        }
    }
}
