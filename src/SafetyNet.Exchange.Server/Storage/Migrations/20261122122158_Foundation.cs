using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace SafetyNet.Exchange.Server.Storage.Migrations
{
    /// <inheritdoc />
    internal partial class Foundation : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "audit_checkpoint",
                columns: table => new
                {
                    size = table.Column<long>(type: "INTEGER", nullable: false),
                    signed_at = table.Column<long>(type: "INTEGER", nullable: false),
                    frontier = table.Column<byte[]>(type: "BLOB", nullable: false),
                    note = table.Column<byte[]>(type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_audit_checkpoint", x => x.size);
                });

            migrationBuilder.CreateTable(
                name: "audit_node",
                columns: table => new
                {
                    level = table.Column<int>(type: "INTEGER", nullable: false),
                    node_index = table.Column<long>(type: "INTEGER", nullable: false),
                    hash = table.Column<byte[]>(type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_audit_node", x => new { x.level, x.node_index });
                });

            migrationBuilder.CreateTable(
                name: "audit_record",
                columns: table => new
                {
                    position = table.Column<long>(type: "INTEGER", nullable: false),
                    decision_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    leaf_hash = table.Column<byte[]>(type: "BLOB", nullable: false),
                    body = table.Column<byte[]>(type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_audit_record", x => x.position);
                });

            migrationBuilder.CreateTable(
                name: "case_file",
                columns: table => new
                {
                    case_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    jurisdiction = table.Column<int>(type: "INTEGER", nullable: false),
                    state = table.Column<int>(type: "INTEGER", nullable: false),
                    opened_at = table.Column<long>(type: "INTEGER", nullable: false),
                    version = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_case_file", x => x.case_id);
                });

            migrationBuilder.CreateTable(
                name: "case_note",
                columns: table => new
                {
                    note_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    case_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    confidentiality_class = table.Column<int>(type: "INTEGER", nullable: false),
                    author_unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    author_person_id = table.Column<string>(type: "TEXT", nullable: false),
                    written_at = table.Column<long>(type: "INTEGER", nullable: false),
                    @sealed = table.Column<byte[]>(name: "sealed", type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_case_note", x => x.note_id);
                });

            migrationBuilder.CreateTable(
                name: "case_participant",
                columns: table => new
                {
                    case_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    role = table.Column<int>(type: "INTEGER", nullable: false),
                    services = table.Column<long>(type: "INTEGER", nullable: false),
                    person_ids = table.Column<byte[]>(type: "BLOB", nullable: false),
                    since = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_case_participant", x => new { x.case_id, x.unit_id });
                });

            migrationBuilder.CreateTable(
                name: "case_subject",
                columns: table => new
                {
                    case_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    person_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    is_open = table.Column<bool>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_case_subject", x => new { x.case_id, x.person_id });
                });

            migrationBuilder.CreateTable(
                name: "data_key",
                columns: table => new
                {
                    key_id = table.Column<long>(type: "INTEGER", nullable: false),
                    jurisdiction = table.Column<string>(type: "TEXT", nullable: false),
                    purpose = table.Column<int>(type: "INTEGER", nullable: false),
                    generation = table.Column<int>(type: "INTEGER", nullable: false),
                    wrapped = table.Column<byte[]>(type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_data_key", x => x.key_id);
                });

            migrationBuilder.CreateTable(
                name: "inbox",
                columns: table => new
                {
                    unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    last_sequence = table.Column<long>(type: "INTEGER", nullable: false),
                    acknowledged_sequence = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_inbox", x => x.unit_id);
                });

            migrationBuilder.CreateTable(
                name: "note_share",
                columns: table => new
                {
                    note_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    legal_basis = table.Column<int>(type: "INTEGER", nullable: false),
                    until = table.Column<long>(type: "INTEGER", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_note_share", x => new { x.note_id, x.unit_id });
                });

            migrationBuilder.CreateTable(
                name: "notice",
                columns: table => new
                {
                    unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    sequence = table.Column<long>(type: "INTEGER", nullable: false),
                    kind = table.Column<int>(type: "INTEGER", nullable: false),
                    at = table.Column<long>(type: "INTEGER", nullable: false),
                    referral_id = table.Column<byte[]>(type: "BLOB", nullable: true),
                    case_id = table.Column<byte[]>(type: "BLOB", nullable: true),
                    cause_unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    decision_id = table.Column<byte[]>(type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_notice", x => new { x.unit_id, x.sequence });
                });

            migrationBuilder.CreateTable(
                name: "parent",
                columns: table => new
                {
                    parent_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    child_id = table.Column<byte[]>(type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_parent", x => new { x.parent_id, x.child_id });
                });

            migrationBuilder.CreateTable(
                name: "person",
                columns: table => new
                {
                    person_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    jurisdiction = table.Column<int>(type: "INTEGER", nullable: false),
                    national_id_index = table.Column<byte[]>(type: "BLOB", nullable: false),
                    name_index = table.Column<byte[]>(type: "BLOB", nullable: false),
                    household_id = table.Column<byte[]>(type: "BLOB", nullable: true),
                    district = table.Column<string>(type: "TEXT", nullable: false),
                    place = table.Column<int>(type: "INTEGER", nullable: false),
                    is_protected = table.Column<bool>(type: "INTEGER", nullable: false),
                    @sealed = table.Column<byte[]>(name: "sealed", type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_person", x => x.person_id);
                });

            migrationBuilder.CreateTable(
                name: "referral",
                columns: table => new
                {
                    referral_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    from_unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    to_unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    jurisdiction = table.Column<int>(type: "INTEGER", nullable: false),
                    state = table.Column<int>(type: "INTEGER", nullable: false),
                    case_id = table.Column<byte[]>(type: "BLOB", nullable: true),
                    is_protective = table.Column<bool>(type: "INTEGER", nullable: false),
                    created_at = table.Column<long>(type: "INTEGER", nullable: false),
                    view_classes = table.Column<uint>(type: "INTEGER", nullable: false),
                    view_until = table.Column<long>(type: "INTEGER", nullable: true),
                    decline_reason = table.Column<int>(type: "INTEGER", nullable: false),
                    proposed_unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    missing_parts = table.Column<int>(type: "INTEGER", nullable: false),
                    outcome = table.Column<int>(type: "INTEGER", nullable: false),
                    @sealed = table.Column<byte[]>(name: "sealed", type: "BLOB", nullable: false),
                    version = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_referral", x => x.referral_id);
                });

            migrationBuilder.CreateTable(
                name: "referral_move",
                columns: table => new
                {
                    move_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    referral_id = table.Column<byte[]>(type: "BLOB", nullable: false),
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
                    table.PrimaryKey("PK_referral_move", x => x.move_id);
                });

            migrationBuilder.CreateTable(
                name: "referral_subject",
                columns: table => new
                {
                    referral_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    person_id = table.Column<byte[]>(type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_referral_subject", x => new { x.referral_id, x.person_id });
                });

            migrationBuilder.CreateTable(
                name: "request_key",
                columns: table => new
                {
                    key = table.Column<byte[]>(type: "BLOB", nullable: false),
                    request_hash = table.Column<byte[]>(type: "BLOB", nullable: false),
                    outcome = table.Column<string>(type: "TEXT", nullable: false),
                    at = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_request_key", x => x.key);
                });

            migrationBuilder.CreateIndex(
                name: "IX_audit_record_decision_id",
                table: "audit_record",
                column: "decision_id",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_case_note_case_id_note_id",
                table: "case_note",
                columns: new[] { "case_id", "note_id" });

            migrationBuilder.CreateIndex(
                name: "ix_case_one_primary",
                table: "case_participant",
                column: "case_id",
                unique: true,
                filter: "role = 1");

            migrationBuilder.CreateIndex(
                name: "ix_case_subject_one_open",
                table: "case_subject",
                column: "person_id",
                unique: true,
                filter: "is_open = 1");

            migrationBuilder.CreateIndex(
                name: "IX_case_subject_person_id",
                table: "case_subject",
                column: "person_id");

            migrationBuilder.CreateIndex(
                name: "IX_data_key_jurisdiction_purpose_generation",
                table: "data_key",
                columns: new[] { "jurisdiction", "purpose", "generation" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_parent_child_id",
                table: "parent",
                column: "child_id");

            migrationBuilder.CreateIndex(
                name: "IX_person_household_id",
                table: "person",
                column: "household_id");

            migrationBuilder.CreateIndex(
                name: "IX_person_name_index",
                table: "person",
                column: "name_index");

            migrationBuilder.CreateIndex(
                name: "IX_person_national_id_index",
                table: "person",
                column: "national_id_index",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_referral_from_unit_id_referral_id",
                table: "referral",
                columns: new[] { "from_unit_id", "referral_id" });

            migrationBuilder.CreateIndex(
                name: "IX_referral_to_unit_id_referral_id",
                table: "referral",
                columns: new[] { "to_unit_id", "referral_id" });

            migrationBuilder.CreateIndex(
                name: "IX_referral_move_referral_id_number",
                table: "referral_move",
                columns: new[] { "referral_id", "number" });

            migrationBuilder.CreateIndex(
                name: "IX_referral_subject_person_id",
                table: "referral_subject",
                column: "person_id");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "audit_checkpoint");

            migrationBuilder.DropTable(
                name: "audit_node");

            migrationBuilder.DropTable(
                name: "audit_record");

            migrationBuilder.DropTable(
                name: "case_file");

            migrationBuilder.DropTable(
                name: "case_note");

            migrationBuilder.DropTable(
                name: "case_participant");

            migrationBuilder.DropTable(
                name: "case_subject");

            migrationBuilder.DropTable(
                name: "data_key");

            migrationBuilder.DropTable(
                name: "inbox");

            migrationBuilder.DropTable(
                name: "note_share");

            migrationBuilder.DropTable(
                name: "notice");

            migrationBuilder.DropTable(
                name: "parent");

            migrationBuilder.DropTable(
                name: "person");

            migrationBuilder.DropTable(
                name: "referral");

            migrationBuilder.DropTable(
                name: "referral_move");

            migrationBuilder.DropTable(
                name: "referral_subject");

            migrationBuilder.DropTable(
                name: "request_key");
        }
    }
}
