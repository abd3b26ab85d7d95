using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace SafetyNet.Exchange.Server.Storage.Migrations
{
    /// <inheritdoc />
    internal partial class Clocks : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "clock",
                columns: table => new
                {
                    clock_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    kind = table.Column<int>(type: "INTEGER", nullable: false),
                    profile = table.Column<string>(type: "TEXT", nullable: false),
                    resource = table.Column<string>(type: "TEXT", nullable: false),
                    resource_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    tells_unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    jurisdiction = table.Column<int>(type: "INTEGER", nullable: false),
                    is_working_time = table.Column<bool>(type: "INTEGER", nullable: false),
                    started_at = table.Column<long>(type: "INTEGER", nullable: false),
                    due_at = table.Column<long>(type: "INTEGER", nullable: false),
                    steps = table.Column<string>(type: "TEXT", nullable: false),
                    steps_told = table.Column<int>(type: "INTEGER", nullable: false),
                    next_at = table.Column<long>(type: "INTEGER", nullable: true),
                    stopped_at = table.Column<long>(type: "INTEGER", nullable: true),
                    rules_revision = table.Column<int>(type: "INTEGER", nullable: false),
                    version = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_clock", x => x.clock_id);
                });

            migrationBuilder.CreateIndex(
                name: "IX_clock_history",
                table: "clock",
                columns: new[] { "unit_id", "kind", "profile", "stopped_at" },
                filter: "stopped_at IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "IX_clock_next_at",
                table: "clock",
                column: "next_at",
                filter: "next_at IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "IX_clock_resource_id_kind_unit_id",
                table: "clock",
                columns: new[] { "resource_id", "kind", "unit_id" },
                unique: true,
                filter: "stopped_at IS NULL");

            migrationBuilder.CreateIndex(
                name: "IX_clock_running",
                table: "clock",
                columns: new[] { "unit_id", "due_at", "clock_id" },
                filter: "stopped_at IS NULL");

            migrationBuilder.CreateIndex(
                name: "IX_clock_stopped",
                table: "clock",
                columns: new[] { "unit_id", "stopped_at", "clock_id" },
                filter: "stopped_at IS NOT NULL");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "clock");
        }
    }
}
