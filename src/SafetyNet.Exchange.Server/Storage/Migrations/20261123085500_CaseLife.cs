using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace SafetyNet.Exchange.Server.Storage.Migrations
{
    /// <inheritdoc />
    internal partial class CaseLife : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<long>(
                name: "ended_at",
                table: "case_file",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<bool>(
                name: "is_reopened_within_year",
                table: "case_file",
                type: "INTEGER",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<byte[]>(
                name: "merged_into_id",
                table: "case_file",
                type: "BLOB",
                nullable: true);

            migrationBuilder.AddColumn<bool>(
                name: "primary_leaves",
                table: "case_file",
                type: "INTEGER",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<string>(
                name: "proposed_unit_id",
                table: "case_file",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<long>(
                name: "reopened_at",
                table: "case_file",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.CreateTable(
                name: "case_move",
                columns: table => new
                {
                    move_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    case_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    action = table.Column<int>(type: "INTEGER", nullable: false),
                    state = table.Column<int>(type: "INTEGER", nullable: false),
                    moved_at = table.Column<long>(type: "INTEGER", nullable: false),
                    unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    person_id = table.Column<string>(type: "TEXT", nullable: false),
                    other_unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    other_case_id = table.Column<byte[]>(type: "BLOB", nullable: true),
                    outcome = table.Column<int>(type: "INTEGER", nullable: false),
                    search_steps = table.Column<int>(type: "INTEGER", nullable: false),
                    batch_id = table.Column<byte[]>(type: "BLOB", nullable: true),
                    remark = table.Column<byte[]>(type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_case_move", x => x.move_id);
                });

            migrationBuilder.CreateTable(
                name: "case_worker",
                columns: table => new
                {
                    case_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    worker_person_id = table.Column<string>(type: "TEXT", nullable: false),
                    supervisor_person_id = table.Column<string>(type: "TEXT", nullable: false),
                    version = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_case_worker", x => new { x.case_id, x.unit_id });
                });

            migrationBuilder.CreateTable(
                name: "goal_progress",
                columns: table => new
                {
                    progress_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    goal_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    author_unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    author_person_id = table.Column<string>(type: "TEXT", nullable: false),
                    legal_basis = table.Column<int>(type: "INTEGER", nullable: false),
                    written_at = table.Column<long>(type: "INTEGER", nullable: false),
                    @sealed = table.Column<byte[]>(name: "sealed", type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_goal_progress", x => x.progress_id);
                });

            migrationBuilder.CreateTable(
                name: "service_goal",
                columns: table => new
                {
                    goal_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    case_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    owner_unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    state = table.Column<int>(type: "INTEGER", nullable: false),
                    target_date = table.Column<DateOnly>(type: "TEXT", nullable: false),
                    confidentiality_class = table.Column<int>(type: "INTEGER", nullable: false),
                    author_unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    legal_basis = table.Column<int>(type: "INTEGER", nullable: false),
                    set_at = table.Column<long>(type: "INTEGER", nullable: false),
                    @sealed = table.Column<byte[]>(name: "sealed", type: "BLOB", nullable: false),
                    version = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_service_goal", x => x.goal_id);
                });

            migrationBuilder.CreateTable(
                name: "unit_worker",
                columns: table => new
                {
                    unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    person_id = table.Column<string>(type: "TEXT", nullable: false),
                    role = table.Column<int>(type: "INTEGER", nullable: false),
                    version = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_unit_worker", x => new { x.unit_id, x.person_id });
                });

            migrationBuilder.CreateIndex(
                name: "IX_disclosure_case_id",
                table: "disclosure",
                column: "case_id");

            migrationBuilder.CreateIndex(
                name: "IX_case_participant_unit_id_case_id",
                table: "case_participant",
                columns: new[] { "unit_id", "case_id" });

            migrationBuilder.CreateIndex(
                name: "IX_case_file_merged_into_id",
                table: "case_file",
                column: "merged_into_id");

            migrationBuilder.CreateIndex(
                name: "IX_case_move_batch_id",
                table: "case_move",
                column: "batch_id");

            migrationBuilder.CreateIndex(
                name: "IX_case_move_case_id_move_id",
                table: "case_move",
                columns: new[] { "case_id", "move_id" });

            migrationBuilder.CreateIndex(
                name: "IX_case_worker_unit_id_worker_person_id_case_id",
                table: "case_worker",
                columns: new[] { "unit_id", "worker_person_id", "case_id" });

            migrationBuilder.CreateIndex(
                name: "IX_goal_progress_goal_id_progress_id",
                table: "goal_progress",
                columns: new[] { "goal_id", "progress_id" });

            migrationBuilder.CreateIndex(
                name: "IX_service_goal_case_id_goal_id",
                table: "service_goal",
                columns: new[] { "case_id", "goal_id" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "case_move");

            migrationBuilder.DropTable(
                name: "case_worker");

            migrationBuilder.DropTable(
                name: "goal_progress");

            migrationBuilder.DropTable(
                name: "service_goal");

            migrationBuilder.DropTable(
                name: "unit_worker");

            migrationBuilder.DropIndex(
                name: "IX_disclosure_case_id",
                table: "disclosure");

            migrationBuilder.DropIndex(
                name: "IX_case_participant_unit_id_case_id",
                table: "case_participant");

            migrationBuilder.DropIndex(
                name: "IX_case_file_merged_into_id",
                table: "case_file");

            migrationBuilder.DropColumn(
                name: "ended_at",
                table: "case_file");

            migrationBuilder.DropColumn(
                name: "is_reopened_within_year",
                table: "case_file");

            migrationBuilder.DropColumn(
                name: "merged_into_id",
                table: "case_file");

            migrationBuilder.DropColumn(
                name: "primary_leaves",
                table: "case_file");

            migrationBuilder.DropColumn(
                name: "proposed_unit_id",
                table: "case_file");

            migrationBuilder.DropColumn(
                name: "reopened_at",
                table: "case_file");
        }
    }
}
