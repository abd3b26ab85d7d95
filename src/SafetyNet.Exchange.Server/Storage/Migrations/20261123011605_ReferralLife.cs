using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace SafetyNet.Exchange.Server.Storage.Migrations
{
    /// <inheritdoc />
    internal partial class ReferralLife : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "assigned_person_id",
                table: "referral_move",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<string>(
                name: "assigned_person_id",
                table: "referral",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<bool>(
                name: "passes_case_part",
                table: "referral",
                type: "INTEGER",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<int>(
                name: "pending",
                table: "referral",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<byte[]>(
                name: "transferred_from_id",
                table: "referral",
                type: "BLOB",
                nullable: true);

            migrationBuilder.AddColumn<byte[]>(
                name: "transferred_to_id",
                table: "referral",
                type: "BLOB",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "transferred_to_unit_id",
                table: "referral",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<long>(
                name: "ended_at",
                table: "case_participant",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "former_role",
                table: "case_participant",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.CreateTable(
                name: "referral_effort",
                columns: table => new
                {
                    effort_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    referral_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    client_person_id = table.Column<byte[]>(type: "BLOB", nullable: true),
                    kind = table.Column<int>(type: "INTEGER", nullable: false),
                    result = table.Column<int>(type: "INTEGER", nullable: false),
                    made_at = table.Column<long>(type: "INTEGER", nullable: false),
                    recorded_at = table.Column<long>(type: "INTEGER", nullable: false),
                    recorded_by_person_id = table.Column<string>(type: "TEXT", nullable: false),
                    remark = table.Column<byte[]>(type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_referral_effort", x => x.effort_id);
                });

            migrationBuilder.CreateIndex(
                name: "IX_referral_effort_referral_id",
                table: "referral_effort",
                column: "referral_id");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "referral_effort");

            migrationBuilder.DropColumn(
                name: "assigned_person_id",
                table: "referral_move");

            migrationBuilder.DropColumn(
                name: "assigned_person_id",
                table: "referral");

            migrationBuilder.DropColumn(
                name: "passes_case_part",
                table: "referral");

            migrationBuilder.DropColumn(
                name: "pending",
                table: "referral");

            migrationBuilder.DropColumn(
                name: "transferred_from_id",
                table: "referral");

            migrationBuilder.DropColumn(
                name: "transferred_to_id",
                table: "referral");

            migrationBuilder.DropColumn(
                name: "transferred_to_unit_id",
                table: "referral");

            migrationBuilder.DropColumn(
                name: "ended_at",
                table: "case_participant");

            migrationBuilder.DropColumn(
                name: "former_role",
                table: "case_participant");
        }
    }
}
