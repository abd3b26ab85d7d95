using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace SafetyNet.Exchange.Server.Storage.Migrations
{
    /// <inheritdoc />
    internal partial class OfficersWork : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "canary",
                columns: table => new
                {
                    canary_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    jurisdiction = table.Column<int>(type: "INTEGER", nullable: false),
                    subject = table.Column<string>(type: "TEXT", nullable: false),
                    planted_at = table.Column<long>(type: "INTEGER", nullable: false),
                    withdrawn_at = table.Column<long>(type: "INTEGER", nullable: true),
                    version = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_canary", x => x.canary_id);
                });

            migrationBuilder.CreateTable(
                name: "misuse_cursor",
                columns: table => new
                {
                    id = table.Column<int>(type: "INTEGER", nullable: false),
                    next = table.Column<long>(type: "INTEGER", nullable: false),
                    ripe = table.Column<long>(type: "INTEGER", nullable: false),
                    version = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_misuse_cursor", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "misuse_disposition",
                columns: table => new
                {
                    disposition_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    finding_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    state = table.Column<int>(type: "INTEGER", nullable: false),
                    note = table.Column<byte[]>(type: "BLOB", nullable: false),
                    officer_id = table.Column<string>(type: "TEXT", nullable: false),
                    unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    disposed_at = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_misuse_disposition", x => x.disposition_id);
                });

            migrationBuilder.CreateTable(
                name: "misuse_finding",
                columns: table => new
                {
                    finding_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    key = table.Column<string>(type: "TEXT", nullable: false),
                    rule = table.Column<int>(type: "INTEGER", nullable: false),
                    rules_revision = table.Column<int>(type: "INTEGER", nullable: false),
                    jurisdiction = table.Column<int>(type: "INTEGER", nullable: false),
                    agency_code = table.Column<string>(type: "TEXT", nullable: false),
                    unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    actor_id = table.Column<string>(type: "TEXT", nullable: false),
                    subject = table.Column<string>(type: "TEXT", nullable: false),
                    records = table.Column<long>(type: "INTEGER", nullable: false),
                    last_position = table.Column<long>(type: "INTEGER", nullable: false),
                    positions = table.Column<string>(type: "TEXT", nullable: false),
                    numbers = table.Column<string>(type: "TEXT", nullable: false),
                    first_at = table.Column<long>(type: "INTEGER", nullable: false),
                    last_at = table.Column<long>(type: "INTEGER", nullable: false),
                    raised_at = table.Column<long>(type: "INTEGER", nullable: false),
                    state = table.Column<int>(type: "INTEGER", nullable: false),
                    version = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_misuse_finding", x => x.finding_id);
                });

            migrationBuilder.CreateTable(
                name: "reveal",
                columns: table => new
                {
                    reveal_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    jurisdiction = table.Column<int>(type: "INTEGER", nullable: false),
                    subject = table.Column<string>(type: "TEXT", nullable: false),
                    requester_id = table.Column<string>(type: "TEXT", nullable: false),
                    unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    reason = table.Column<byte[]>(type: "BLOB", nullable: false),
                    proceeding = table.Column<byte[]>(type: "BLOB", nullable: false),
                    requested_at = table.Column<long>(type: "INTEGER", nullable: false),
                    state = table.Column<int>(type: "INTEGER", nullable: false),
                    until = table.Column<long>(type: "INTEGER", nullable: false),
                    decider_id = table.Column<string>(type: "TEXT", nullable: false),
                    decider_unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    decision_reason = table.Column<byte[]>(type: "BLOB", nullable: false),
                    decided_at = table.Column<long>(type: "INTEGER", nullable: true),
                    person_id = table.Column<byte[]>(type: "BLOB", nullable: true),
                    version = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_reveal", x => x.reveal_id);
                });

            migrationBuilder.CreateTable(
                name: "staff_member",
                columns: table => new
                {
                    staff_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    jurisdiction = table.Column<int>(type: "INTEGER", nullable: false),
                    agency_code = table.Column<string>(type: "TEXT", nullable: false),
                    actor_id = table.Column<string>(type: "TEXT", nullable: false),
                    subject = table.Column<string>(type: "TEXT", nullable: false),
                    national_id_index = table.Column<byte[]>(type: "BLOB", nullable: false),
                    version = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_staff_member", x => x.staff_id);
                });

            migrationBuilder.CreateIndex(
                name: "IX_canary_subject",
                table: "canary",
                column: "subject");

            migrationBuilder.CreateIndex(
                name: "IX_misuse_disposition_finding_id",
                table: "misuse_disposition",
                column: "finding_id");

            migrationBuilder.CreateIndex(
                name: "IX_misuse_finding_jurisdiction_state",
                table: "misuse_finding",
                columns: new[] { "jurisdiction", "state" });

            migrationBuilder.CreateIndex(
                name: "IX_misuse_finding_key",
                table: "misuse_finding",
                column: "key",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_staff_member_jurisdiction_agency_code_actor_id",
                table: "staff_member",
                columns: new[] { "jurisdiction", "agency_code", "actor_id" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_staff_member_subject",
                table: "staff_member",
                column: "subject");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "canary");

            migrationBuilder.DropTable(
                name: "misuse_cursor");

            migrationBuilder.DropTable(
                name: "misuse_disposition");

            migrationBuilder.DropTable(
                name: "misuse_finding");

            migrationBuilder.DropTable(
                name: "reveal");

            migrationBuilder.DropTable(
                name: "staff_member");
        }
    }
}
