using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace SafetyNet.Exchange.Server.Storage.Migrations
{
    /// <inheritdoc />
    internal partial class Disclosures : Migration
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
                name: "whereabouts_act");

            migrationBuilder.DropColumn(
                name: "is_shielded",
                table: "person");

            migrationBuilder.DropColumn(
                name: "resource",
                table: "notice");

            migrationBuilder.DropColumn(
                name: "protective_classes",
                table: "case_participant");
        }
    }
}
