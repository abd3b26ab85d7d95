using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace SafetyNet.Exchange.Server.Storage.Migrations
{
    /// <inheritdoc />
    internal partial class TrackedItems : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "conference_extract",
                columns: table => new
                {
                    extract_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    conference_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    confidentiality_class = table.Column<int>(type: "INTEGER", nullable: false),
                    submitted_at = table.Column<long>(type: "INTEGER", nullable: false),
                    person_id = table.Column<string>(type: "TEXT", nullable: false),
                    @sealed = table.Column<byte[]>(name: "sealed", type: "BLOB", nullable: false),
                    version = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_conference_extract", x => x.extract_id);
                });

            migrationBuilder.CreateTable(
                name: "conference_resolution",
                columns: table => new
                {
                    resolution_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    conference_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    confidentiality_class = table.Column<int>(type: "INTEGER", nullable: false),
                    recorded_at = table.Column<long>(type: "INTEGER", nullable: false),
                    person_id = table.Column<string>(type: "TEXT", nullable: false),
                    @sealed = table.Column<byte[]>(name: "sealed", type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_conference_resolution", x => x.resolution_id);
                });

            migrationBuilder.CreateTable(
                name: "conference_unit",
                columns: table => new
                {
                    conference_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    attendance = table.Column<int>(type: "INTEGER", nullable: false),
                    consent = table.Column<int>(type: "INTEGER", nullable: false),
                    consent_at = table.Column<long>(type: "INTEGER", nullable: true),
                    reason_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    reason = table.Column<byte[]>(type: "BLOB", nullable: false),
                    version = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_conference_unit", x => new { x.conference_id, x.unit_id });
                });

            migrationBuilder.CreateTable(
                name: "item_move",
                columns: table => new
                {
                    move_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    item_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    number = table.Column<int>(type: "INTEGER", nullable: false),
                    action = table.Column<int>(type: "INTEGER", nullable: false),
                    moved_at = table.Column<long>(type: "INTEGER", nullable: false),
                    unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    person_id = table.Column<string>(type: "TEXT", nullable: false),
                    state = table.Column<int>(type: "INTEGER", nullable: false),
                    conference_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    level = table.Column<int>(type: "INTEGER", nullable: false),
                    owner_unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    due_on = table.Column<DateOnly>(type: "TEXT", nullable: false),
                    text = table.Column<byte[]>(type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_item_move", x => x.move_id);
                });

            migrationBuilder.CreateTable(
                name: "listed_case",
                columns: table => new
                {
                    case_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    is_listed = table.Column<bool>(type: "INTEGER", nullable: false),
                    listed_at = table.Column<long>(type: "INTEGER", nullable: true),
                    removed_at = table.Column<long>(type: "INTEGER", nullable: true),
                    version = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_listed_case", x => x.case_id);
                });

            migrationBuilder.CreateTable(
                name: "tracked_item",
                columns: table => new
                {
                    item_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    case_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    conference_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    resolution_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    jurisdiction = table.Column<int>(type: "INTEGER", nullable: false),
                    chair_unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    owner_unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    state = table.Column<int>(type: "INTEGER", nullable: false),
                    is_open = table.Column<bool>(type: "INTEGER", nullable: false),
                    level = table.Column<int>(type: "INTEGER", nullable: false),
                    due_on = table.Column<DateOnly>(type: "TEXT", nullable: false),
                    confidentiality_class = table.Column<int>(type: "INTEGER", nullable: false),
                    deed = table.Column<byte[]>(type: "BLOB", nullable: false),
                    legal_basis = table.Column<int>(type: "INTEGER", nullable: false),
                    made_at = table.Column<long>(type: "INTEGER", nullable: false),
                    times_carried_over = table.Column<int>(type: "INTEGER", nullable: false),
                    move_count = table.Column<int>(type: "INTEGER", nullable: false),
                    version = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_tracked_item", x => x.item_id);
                });

            migrationBuilder.CreateIndex(
                name: "IX_conference_extract_conference_id_unit_id",
                table: "conference_extract",
                columns: new[] { "conference_id", "unit_id" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_conference_resolution_conference_id_resolution_id",
                table: "conference_resolution",
                columns: new[] { "conference_id", "resolution_id" });

            migrationBuilder.CreateIndex(
                name: "IX_item_move_item_id_number",
                table: "item_move",
                columns: new[] { "item_id", "number" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_tracked_item_case_id_item_id",
                table: "tracked_item",
                columns: new[] { "case_id", "item_id" });

            migrationBuilder.CreateIndex(
                name: "IX_tracked_item_chair",
                table: "tracked_item",
                columns: new[] { "chair_unit_id", "is_open", "due_on", "item_id" });

            migrationBuilder.CreateIndex(
                name: "IX_tracked_item_conference_id_due_on_item_id",
                table: "tracked_item",
                columns: new[] { "conference_id", "due_on", "item_id" });

            migrationBuilder.CreateIndex(
                name: "IX_tracked_item_owner",
                table: "tracked_item",
                columns: new[] { "owner_unit_id", "is_open", "due_on", "item_id" });

            migrationBuilder.CreateIndex(
                name: "IX_tracked_item_resolution_id",
                table: "tracked_item",
                column: "resolution_id");

            // Every case that was ever brought to a conference has its row, so that what changes its list meets there.
            migrationBuilder.Sql("INSERT INTO listed_case (case_id, is_listed, version) SELECT DISTINCT case_id, 0, 1 FROM conference");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "conference_extract");

            migrationBuilder.DropTable(
                name: "conference_resolution");

            migrationBuilder.DropTable(
                name: "conference_unit");

            migrationBuilder.DropTable(
                name: "item_move");

            migrationBuilder.DropTable(
                name: "listed_case");

            migrationBuilder.DropTable(
                name: "tracked_item");
        }
    }
}
