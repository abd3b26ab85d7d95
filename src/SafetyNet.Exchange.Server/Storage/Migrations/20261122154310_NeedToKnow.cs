using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace SafetyNet.Exchange.Server.Storage.Migrations
{
    /// <inheritdoc />
    internal partial class NeedToKnow : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<bool>(
                name: "is_shielded",
                table: "person",
                type: "INTEGER",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<byte[]>(
                name: "break_glass_id",
                table: "notice",
                type: "BLOB",
                nullable: true);

            migrationBuilder.AddColumn<byte[]>(
                name: "grant_id",
                table: "notice",
                type: "BLOB",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "resource",
                table: "notice",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<uint>(
                name: "protective_classes",
                table: "case_participant",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0u);

            migrationBuilder.CreateTable(
                name: "access_grant",
                columns: table => new
                {
                    grant_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    from_unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    jurisdiction = table.Column<int>(type: "INTEGER", nullable: false),
                    person_id = table.Column<byte[]>(type: "BLOB", nullable: true),
                    case_id = table.Column<byte[]>(type: "BLOB", nullable: true),
                    state = table.Column<int>(type: "INTEGER", nullable: false),
                    classes = table.Column<uint>(type: "INTEGER", nullable: false),
                    purpose = table.Column<int>(type: "INTEGER", nullable: false),
                    legal_basis = table.Column<int>(type: "INTEGER", nullable: false),
                    applied_at = table.Column<long>(type: "INTEGER", nullable: false),
                    until = table.Column<long>(type: "INTEGER", nullable: false),
                    granted_classes = table.Column<uint>(type: "INTEGER", nullable: false),
                    granted_until = table.Column<long>(type: "INTEGER", nullable: true),
                    reason = table.Column<int>(type: "INTEGER", nullable: false),
                    moved_at = table.Column<long>(type: "INTEGER", nullable: false),
                    @sealed = table.Column<byte[]>(name: "sealed", type: "BLOB", nullable: false),
                    version = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_access_grant", x => x.grant_id);
                });

            migrationBuilder.CreateTable(
                name: "broken_glass",
                columns: table => new
                {
                    break_glass_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    agency_key = table.Column<string>(type: "TEXT", nullable: false),
                    number = table.Column<long>(type: "INTEGER", nullable: false),
                    unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    actor_id = table.Column<string>(type: "TEXT", nullable: false),
                    jurisdiction = table.Column<int>(type: "INTEGER", nullable: false),
                    person_id = table.Column<byte[]>(type: "BLOB", nullable: true),
                    subject = table.Column<string>(type: "TEXT", nullable: false),
                    basis = table.Column<int>(type: "INTEGER", nullable: false),
                    broken_at = table.Column<long>(type: "INTEGER", nullable: false),
                    until = table.Column<long>(type: "INTEGER", nullable: false),
                    due_on = table.Column<DateOnly>(type: "TEXT", nullable: false),
                    reached = table.Column<int>(type: "INTEGER", nullable: false),
                    justification = table.Column<byte[]>(type: "BLOB", nullable: false),
                    verdict = table.Column<int>(type: "INTEGER", nullable: false),
                    verdict_reason = table.Column<byte[]>(type: "BLOB", nullable: false),
                    reviewed_at = table.Column<long>(type: "INTEGER", nullable: true),
                    reviewer_id = table.Column<string>(type: "TEXT", nullable: false),
                    version = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_broken_glass", x => x.break_glass_id);
                });

            migrationBuilder.CreateTable(
                name: "case_other_party",
                columns: table => new
                {
                    case_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    national_id_index = table.Column<byte[]>(type: "BLOB", nullable: false),
                    mark_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    marked_by_unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    marked_at = table.Column<long>(type: "INTEGER", nullable: false),
                    lifted_at = table.Column<long>(type: "INTEGER", nullable: true),
                    reason = table.Column<byte[]>(type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_case_other_party", x => new { x.case_id, x.national_id_index });
                });

            migrationBuilder.CreateTable(
                name: "conference",
                columns: table => new
                {
                    conference_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    case_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    jurisdiction = table.Column<int>(type: "INTEGER", nullable: false),
                    level = table.Column<int>(type: "INTEGER", nullable: false),
                    indicators = table.Column<int>(type: "INTEGER", nullable: false),
                    ground = table.Column<int>(type: "INTEGER", nullable: false),
                    statement = table.Column<byte[]>(type: "BLOB", nullable: false),
                    agenda = table.Column<uint>(type: "INTEGER", nullable: false),
                    convened_by_unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    convened_at = table.Column<long>(type: "INTEGER", nullable: false),
                    meeting_at = table.Column<long>(type: "INTEGER", nullable: false),
                    version = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_conference", x => x.conference_id);
                });

            migrationBuilder.CreateTable(
                name: "conference_invitation",
                columns: table => new
                {
                    conference_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    invited_at = table.Column<long>(type: "INTEGER", nullable: false),
                    withdrawn_at = table.Column<long>(type: "INTEGER", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_conference_invitation", x => new { x.conference_id, x.unit_id });
                });

            migrationBuilder.CreateTable(
                name: "correction",
                columns: table => new
                {
                    correction_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    person_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    jurisdiction = table.Column<int>(type: "INTEGER", nullable: false),
                    step = table.Column<int>(type: "INTEGER", nullable: false),
                    step_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    case_id = table.Column<byte[]>(type: "BLOB", nullable: true),
                    confidentiality_class = table.Column<int>(type: "INTEGER", nullable: false),
                    from_unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    at = table.Column<long>(type: "INTEGER", nullable: false),
                    @sealed = table.Column<byte[]>(name: "sealed", type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_correction", x => x.correction_id);
                });

            migrationBuilder.CreateTable(
                name: "correction_receiver",
                columns: table => new
                {
                    correction_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    acknowledged_at = table.Column<long>(type: "INTEGER", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_correction_receiver", x => new { x.correction_id, x.unit_id });
                });

            migrationBuilder.CreateTable(
                name: "disclosure",
                columns: table => new
                {
                    disclosure_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    person_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    step = table.Column<int>(type: "INTEGER", nullable: false),
                    step_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    case_id = table.Column<byte[]>(type: "BLOB", nullable: true),
                    from_unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    to_unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    classes = table.Column<uint>(type: "INTEGER", nullable: false),
                    purpose = table.Column<int>(type: "INTEGER", nullable: false),
                    legal_basis = table.Column<int>(type: "INTEGER", nullable: false),
                    at = table.Column<long>(type: "INTEGER", nullable: false),
                    until = table.Column<long>(type: "INTEGER", nullable: true),
                    ended_at = table.Column<long>(type: "INTEGER", nullable: true),
                    version = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_disclosure", x => x.disclosure_id);
                });

            migrationBuilder.CreateTable(
                name: "policy_in_force",
                columns: table => new
                {
                    id = table.Column<int>(type: "INTEGER", nullable: false),
                    proposal_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    revision = table.Column<int>(type: "INTEGER", nullable: false),
                    version = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_policy_in_force", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "policy_revision",
                columns: table => new
                {
                    proposal_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    revision = table.Column<int>(type: "INTEGER", nullable: false),
                    rules = table.Column<byte[]>(type: "BLOB", nullable: false),
                    bases = table.Column<byte[]>(type: "BLOB", nullable: false),
                    rules_sha256 = table.Column<string>(type: "TEXT", nullable: false),
                    bases_sha256 = table.Column<string>(type: "TEXT", nullable: false),
                    proposed_by_agency = table.Column<string>(type: "TEXT", nullable: false),
                    proposed_by_unit = table.Column<string>(type: "TEXT", nullable: false),
                    proposed_by_person = table.Column<string>(type: "TEXT", nullable: false),
                    proposed_at = table.Column<long>(type: "INTEGER", nullable: false),
                    activated_by_agency = table.Column<string>(type: "TEXT", nullable: false),
                    activated_by_unit = table.Column<string>(type: "TEXT", nullable: false),
                    activated_by_person = table.Column<string>(type: "TEXT", nullable: false),
                    activated_at = table.Column<long>(type: "INTEGER", nullable: true),
                    activated_by_decision = table.Column<byte[]>(type: "BLOB", nullable: true),
                    version = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_policy_revision", x => x.proposal_id);
                });

            migrationBuilder.CreateTable(
                name: "whereabouts_act",
                columns: table => new
                {
                    act_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    person_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    is_lifted = table.Column<bool>(type: "INTEGER", nullable: false),
                    unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    at = table.Column<long>(type: "INTEGER", nullable: false),
                    reason = table.Column<byte[]>(type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_whereabouts_act", x => x.act_id);
                });

            migrationBuilder.CreateIndex(
                name: "IX_access_grant_case_id_grant_id",
                table: "access_grant",
                columns: new[] { "case_id", "grant_id" });

            migrationBuilder.CreateIndex(
                name: "IX_access_grant_from_unit_id_grant_id",
                table: "access_grant",
                columns: new[] { "from_unit_id", "grant_id" });

            migrationBuilder.CreateIndex(
                name: "IX_access_grant_person_id",
                table: "access_grant",
                column: "person_id");

            migrationBuilder.CreateIndex(
                name: "IX_broken_glass_agency_key_number",
                table: "broken_glass",
                columns: new[] { "agency_key", "number" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_broken_glass_person_id",
                table: "broken_glass",
                column: "person_id");

            migrationBuilder.CreateIndex(
                name: "IX_conference_case_id",
                table: "conference",
                column: "case_id");

            migrationBuilder.CreateIndex(
                name: "IX_conference_convened_by_unit_id_conference_id",
                table: "conference",
                columns: new[] { "convened_by_unit_id", "conference_id" });

            migrationBuilder.CreateIndex(
                name: "IX_conference_invitation_unit_id_conference_id",
                table: "conference_invitation",
                columns: new[] { "unit_id", "conference_id" });

            migrationBuilder.CreateIndex(
                name: "IX_correction_from_unit_id_correction_id",
                table: "correction",
                columns: new[] { "from_unit_id", "correction_id" });

            migrationBuilder.CreateIndex(
                name: "IX_correction_receiver_unit_id_correction_id",
                table: "correction_receiver",
                columns: new[] { "unit_id", "correction_id" });

            migrationBuilder.CreateIndex(
                name: "IX_disclosure_person_id_disclosure_id",
                table: "disclosure",
                columns: new[] { "person_id", "disclosure_id" });

            migrationBuilder.CreateIndex(
                name: "IX_disclosure_step_id",
                table: "disclosure",
                column: "step_id");

            migrationBuilder.CreateIndex(
                name: "IX_whereabouts_act_person_id_act_id",
                table: "whereabouts_act",
                columns: new[] { "person_id", "act_id" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "access_grant");

            migrationBuilder.DropTable(
                name: "broken_glass");

            migrationBuilder.DropTable(
                name: "case_other_party");

            migrationBuilder.DropTable(
                name: "conference");

            migrationBuilder.DropTable(
                name: "conference_invitation");

            migrationBuilder.DropTable(
                name: "correction");

            migrationBuilder.DropTable(
                name: "correction_receiver");

            migrationBuilder.DropTable(
                name: "disclosure");

            migrationBuilder.DropTable(
                name: "policy_in_force");

            migrationBuilder.DropTable(
                name: "policy_revision");

            migrationBuilder.DropTable(
                name: "whereabouts_act");

            migrationBuilder.DropColumn(
                name: "is_shielded",
                table: "person");

            migrationBuilder.DropColumn(
                name: "break_glass_id",
                table: "notice");

            migrationBuilder.DropColumn(
                name: "grant_id",
                table: "notice");

            migrationBuilder.DropColumn(
                name: "resource",
                table: "notice");

            migrationBuilder.DropColumn(
                name: "protective_classes",
                table: "case_participant");
        }
    }
}
