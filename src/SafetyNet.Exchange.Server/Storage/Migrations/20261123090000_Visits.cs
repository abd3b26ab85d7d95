using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace SafetyNet.Exchange.Server.Storage.Migrations
{
    /// <inheritdoc />
    internal partial class Visits : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<byte[]>(
                name: "case_id",
                table: "clock",
                type: "BLOB",
                nullable: true);

            migrationBuilder.CreateTable(
                name: "visit",
                columns: table => new
                {
                    visit_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    case_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    person_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    run_id = table.Column<byte[]>(type: "BLOB", nullable: true),
                    jurisdiction = table.Column<int>(type: "INTEGER", nullable: false),
                    confidentiality_class = table.Column<int>(type: "INTEGER", nullable: false),
                    state = table.Column<int>(type: "INTEGER", nullable: false),
                    planned_on = table.Column<DateOnly>(type: "TEXT", nullable: false),
                    done_at = table.Column<long>(type: "INTEGER", nullable: true),
                    version = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_visit", x => x.visit_id);
                });

            migrationBuilder.CreateTable(
                name: "visit_move",
                columns: table => new
                {
                    move_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    visit_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    number = table.Column<int>(type: "INTEGER", nullable: false),
                    action = table.Column<int>(type: "INTEGER", nullable: false),
                    moved_at = table.Column<long>(type: "INTEGER", nullable: false),
                    person_id = table.Column<string>(type: "TEXT", nullable: false),
                    happened_at = table.Column<long>(type: "INTEGER", nullable: true),
                    channel = table.Column<int>(type: "INTEGER", nullable: false),
                    planned_on = table.Column<DateOnly>(type: "TEXT", nullable: true),
                    text_class = table.Column<int>(type: "INTEGER", nullable: false),
                    text = table.Column<byte[]>(type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_visit_move", x => x.move_id);
                });

            migrationBuilder.CreateTable(
                name: "visit_part",
                columns: table => new
                {
                    case_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    version = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_visit_part", x => new { x.case_id, x.unit_id });
                });

            migrationBuilder.CreateTable(
                name: "visit_protocol_run",
                columns: table => new
                {
                    run_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    case_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    person_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    jurisdiction = table.Column<int>(type: "INTEGER", nullable: false),
                    protocol = table.Column<string>(type: "TEXT", nullable: false),
                    confidentiality_class = table.Column<int>(type: "INTEGER", nullable: false),
                    protocols_revision = table.Column<int>(type: "INTEGER", nullable: false),
                    starts_on = table.Column<DateOnly>(type: "TEXT", nullable: false),
                    minimum_months = table.Column<int>(type: "INTEGER", nullable: false),
                    needs = table.Column<string>(type: "TEXT", nullable: false),
                    reminders = table.Column<string>(type: "TEXT", nullable: false),
                    months_planned = table.Column<int>(type: "INTEGER", nullable: false),
                    next_month_at = table.Column<long>(type: "INTEGER", nullable: true),
                    started_at = table.Column<long>(type: "INTEGER", nullable: false),
                    end = table.Column<int>(type: "INTEGER", nullable: false),
                    ended_on = table.Column<DateOnly>(type: "TEXT", nullable: true),
                    end_reason = table.Column<byte[]>(type: "BLOB", nullable: false),
                    version = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_visit_protocol_run", x => x.run_id);
                });

            migrationBuilder.CreateIndex(
                name: "IX_clock_case_id",
                table: "clock",
                column: "case_id",
                filter: "stopped_at IS NULL AND case_id IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "IX_visit_case_id_planned_on_visit_id",
                table: "visit",
                columns: new[] { "case_id", "planned_on", "visit_id" });

            migrationBuilder.CreateIndex(
                name: "IX_visit_run_id",
                table: "visit",
                column: "run_id",
                filter: "run_id IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "IX_visit_unit_id_state_planned_on_visit_id",
                table: "visit",
                columns: new[] { "unit_id", "state", "planned_on", "visit_id" });

            migrationBuilder.CreateIndex(
                name: "IX_visit_move_visit_id_number",
                table: "visit_move",
                columns: new[] { "visit_id", "number" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_visit_protocol_run_case_id_unit_id",
                table: "visit_protocol_run",
                columns: new[] { "case_id", "unit_id" });

            migrationBuilder.CreateIndex(
                name: "IX_visit_protocol_run_next_month_at",
                table: "visit_protocol_run",
                column: "next_month_at",
                filter: "next_month_at IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_visit_protocol_run_one_runs",
                table: "visit_protocol_run",
                columns: new[] { "case_id", "unit_id", "person_id", "protocol" },
                unique: true,
                filter: "ended_on IS NULL");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "visit");

            migrationBuilder.DropTable(
                name: "visit_move");

            migrationBuilder.DropTable(
                name: "visit_part");

            migrationBuilder.DropTable(
                name: "visit_protocol_run");

            migrationBuilder.DropIndex(
                name: "IX_clock_case_id",
                table: "clock");

            migrationBuilder.DropColumn(
                name: "case_id",
                table: "clock");
        }
    }
}
