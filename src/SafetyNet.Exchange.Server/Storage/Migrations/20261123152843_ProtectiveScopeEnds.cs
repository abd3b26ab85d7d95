using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace SafetyNet.Exchange.Server.Storage.Migrations
{
    /// <inheritdoc />
    internal partial class ProtectiveScopeEnds : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<long>(
                name: "protective_until",
                table: "case_participant",
                type: "INTEGER",
                nullable: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "protective_until",
                table: "case_participant");
        }
    }
}
