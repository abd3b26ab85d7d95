using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace SafetyNet.Exchange.Server.Storage.Migrations
{
    /// <inheritdoc />
    internal partial class CaseloadIndex : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateIndex(
                name: "ix_case_participant_now",
                table: "case_participant",
                column: "unit_id",
                filter: "ended_at IS NULL");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_case_participant_now",
                table: "case_participant");
        }
    }
}
