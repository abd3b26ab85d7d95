using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace SafetyNet.Exchange.Server.Storage.Migrations
{
    /// <inheritdoc />
    internal partial class LeadDisputes : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "lead_dispute",
                columns: table => new
                {
                    dispute_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    report_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    jurisdiction = table.Column<int>(type: "INTEGER", nullable: false),
                    state = table.Column<int>(type: "INTEGER", nullable: false),
                    interim_lead_unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    proposed_unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    intake_unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    city_unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    rule_id = table.Column<string>(type: "TEXT", nullable: false),
                    opened_at = table.Column<long>(type: "INTEGER", nullable: false),
                    opened_by_person_id = table.Column<string>(type: "TEXT", nullable: false),
                    statement = table.Column<byte[]>(type: "BLOB", nullable: false),
                    appealed_at = table.Column<long>(type: "INTEGER", nullable: true),
                    appealed_by_unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    appealed_by_person_id = table.Column<string>(type: "TEXT", nullable: false),
                    appeal_statement = table.Column<byte[]>(type: "BLOB", nullable: false),
                    lead_referral_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    handover_referral_id = table.Column<byte[]>(type: "BLOB", nullable: true),
                    handover = table.Column<int>(type: "INTEGER", nullable: false),
                    version = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_lead_dispute", x => x.dispute_id);
                });

            migrationBuilder.CreateTable(
                name: "lead_ruling",
                columns: table => new
                {
                    ruling_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    dispute_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    level = table.Column<int>(type: "INTEGER", nullable: false),
                    lead_unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    lead_changes = table.Column<bool>(type: "INTEGER", nullable: false),
                    cited_rule_id = table.Column<string>(type: "TEXT", nullable: false),
                    rule_id = table.Column<string>(type: "TEXT", nullable: false),
                    from_unit_kind = table.Column<int>(type: "INTEGER", nullable: false),
                    to_unit_kind = table.Column<int>(type: "INTEGER", nullable: false),
                    report_kind = table.Column<int>(type: "INTEGER", nullable: false),
                    principle = table.Column<string>(type: "TEXT", nullable: false),
                    grounds = table.Column<byte[]>(type: "BLOB", nullable: false),
                    ruled_at = table.Column<long>(type: "INTEGER", nullable: false),
                    by_unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    by_person_id = table.Column<string>(type: "TEXT", nullable: false),
                    is_overruled = table.Column<bool>(type: "INTEGER", nullable: false),
                    version = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_lead_ruling", x => x.ruling_id);
                });

            migrationBuilder.CreateIndex(
                name: "IX_lead_dispute_city_unit_id_dispute_id",
                table: "lead_dispute",
                columns: new[] { "city_unit_id", "dispute_id" });

            migrationBuilder.CreateIndex(
                name: "IX_lead_dispute_handover_referral_id",
                table: "lead_dispute",
                column: "handover_referral_id");

            migrationBuilder.CreateIndex(
                name: "IX_lead_dispute_intake_unit_id_dispute_id",
                table: "lead_dispute",
                columns: new[] { "intake_unit_id", "dispute_id" });

            migrationBuilder.CreateIndex(
                name: "IX_lead_dispute_interim_lead_unit_id_dispute_id",
                table: "lead_dispute",
                columns: new[] { "interim_lead_unit_id", "dispute_id" });

            migrationBuilder.CreateIndex(
                name: "IX_lead_dispute_proposed_unit_id_dispute_id",
                table: "lead_dispute",
                columns: new[] { "proposed_unit_id", "dispute_id" });

            migrationBuilder.CreateIndex(
                name: "IX_lead_dispute_report_id",
                table: "lead_dispute",
                column: "report_id");

            migrationBuilder.CreateIndex(
                name: "IX_lead_ruling_dispute_id",
                table: "lead_ruling",
                column: "dispute_id");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "lead_dispute");

            migrationBuilder.DropTable(
                name: "lead_ruling");
        }
    }
}
