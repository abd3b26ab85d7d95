using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace SafetyNet.Exchange.Server.Storage.Migrations
{
    /// <inheritdoc />
    internal partial class ReportsAndReferralLife : Migration
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

            migrationBuilder.CreateTable(
                name: "report",
                columns: table => new
                {
                    report_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    receipt_number = table.Column<string>(type: "TEXT", nullable: false),
                    jurisdiction = table.Column<int>(type: "INTEGER", nullable: false),
                    intake_unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    submitted_by_unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    state = table.Column<int>(type: "INTEGER", nullable: false),
                    @class = table.Column<int>(name: "class", type: "INTEGER", nullable: false),
                    is_protective = table.Column<bool>(type: "INTEGER", nullable: false),
                    received_at = table.Column<long>(type: "INTEGER", nullable: false),
                    first_report_id = table.Column<byte[]>(type: "BLOB", nullable: true),
                    lead_unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    first_contact_at = table.Column<long>(type: "INTEGER", nullable: true),
                    not_opened_reason = table.Column<int>(type: "INTEGER", nullable: false),
                    required_action = table.Column<int>(type: "INTEGER", nullable: false),
                    action_done_at = table.Column<long>(type: "INTEGER", nullable: true),
                    action_done_by = table.Column<byte[]>(type: "BLOB", nullable: true),
                    @sealed = table.Column<byte[]>(name: "sealed", type: "BLOB", nullable: false),
                    version = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_report", x => x.report_id);
                });

            migrationBuilder.CreateTable(
                name: "report_move",
                columns: table => new
                {
                    move_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    report_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    number = table.Column<int>(type: "INTEGER", nullable: false),
                    action = table.Column<int>(type: "INTEGER", nullable: false),
                    state = table.Column<int>(type: "INTEGER", nullable: false),
                    moved_at = table.Column<long>(type: "INTEGER", nullable: false),
                    unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    person_id = table.Column<string>(type: "TEXT", nullable: false),
                    remark = table.Column<byte[]>(type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_report_move", x => x.move_id);
                });

            migrationBuilder.CreateTable(
                name: "report_notice",
                columns: table => new
                {
                    referral_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    report_id = table.Column<byte[]>(type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_report_notice", x => x.referral_id);
                });

            migrationBuilder.CreateTable(
                name: "report_offer",
                columns: table => new
                {
                    referral_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    report_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    offered_at = table.Column<long>(type: "INTEGER", nullable: false),
                    until = table.Column<long>(type: "INTEGER", nullable: true),
                    is_over = table.Column<bool>(type: "INTEGER", nullable: false),
                    override_reason = table.Column<byte[]>(type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_report_offer", x => x.referral_id);
                });

            migrationBuilder.CreateTable(
                name: "report_subject",
                columns: table => new
                {
                    report_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    person_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    received_at = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_report_subject", x => new { x.report_id, x.person_id });
                });

            migrationBuilder.CreateTable(
                name: "unit_capacity",
                columns: table => new
                {
                    unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    service = table.Column<int>(type: "INTEGER", nullable: false),
                    open_places = table.Column<int>(type: "INTEGER", nullable: false),
                    stated_at = table.Column<long>(type: "INTEGER", nullable: false),
                    version = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_unit_capacity", x => new { x.unit_id, x.service });
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

            migrationBuilder.CreateIndex(
                name: "IX_referral_effort_referral_id",
                table: "referral_effort",
                column: "referral_id");

            migrationBuilder.CreateIndex(
                name: "IX_report_first_report_id",
                table: "report",
                column: "first_report_id");

            migrationBuilder.CreateIndex(
                name: "IX_report_intake_unit_id_report_id",
                table: "report",
                columns: new[] { "intake_unit_id", "report_id" });

            migrationBuilder.CreateIndex(
                name: "IX_report_intake_unit_id_state_report_id",
                table: "report",
                columns: new[] { "intake_unit_id", "state", "report_id" });

            migrationBuilder.CreateIndex(
                name: "IX_report_lead_unit_id_report_id",
                table: "report",
                columns: new[] { "lead_unit_id", "report_id" });

            migrationBuilder.CreateIndex(
                name: "IX_report_receipt_number",
                table: "report",
                column: "receipt_number",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_report_submitted_by_unit_id_report_id",
                table: "report",
                columns: new[] { "submitted_by_unit_id", "report_id" });

            migrationBuilder.CreateIndex(
                name: "IX_report_move_report_id_number",
                table: "report_move",
                columns: new[] { "report_id", "number" });

            migrationBuilder.CreateIndex(
                name: "IX_report_notice_report_id",
                table: "report_notice",
                column: "report_id");

            migrationBuilder.CreateIndex(
                name: "IX_report_offer_is_over_until",
                table: "report_offer",
                columns: new[] { "is_over", "until" });

            migrationBuilder.CreateIndex(
                name: "IX_report_offer_report_id",
                table: "report_offer",
                column: "report_id");

            migrationBuilder.CreateIndex(
                name: "IX_report_subject_person_id_received_at",
                table: "report_subject",
                columns: new[] { "person_id", "received_at" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "lead_dispute");

            migrationBuilder.DropTable(
                name: "lead_ruling");

            migrationBuilder.DropTable(
                name: "referral_effort");

            migrationBuilder.DropTable(
                name: "report");

            migrationBuilder.DropTable(
                name: "report_move");

            migrationBuilder.DropTable(
                name: "report_notice");

            migrationBuilder.DropTable(
                name: "report_offer");

            migrationBuilder.DropTable(
                name: "report_subject");

            migrationBuilder.DropTable(
                name: "unit_capacity");

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
