using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace SafetyNet.Exchange.Server.Storage.Migrations
{
    /// <inheritdoc />
    internal partial class GrantsAndBreakGlass : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
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
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "access_grant");

            migrationBuilder.DropTable(
                name: "broken_glass");

            migrationBuilder.DropColumn(
                name: "break_glass_id",
                table: "notice");

            migrationBuilder.DropColumn(
                name: "grant_id",
                table: "notice");
        }
    }
}
