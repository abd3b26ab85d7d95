using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace SafetyNet.Exchange.Server.Storage.Migrations
{
    /// <inheritdoc />
    internal partial class NoteVersions : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<int>(
                name: "version",
                table: "case_note",
                type: "INTEGER",
                nullable: false,
                // Notes that are there have been written once.
                defaultValue: 1);

            migrationBuilder.CreateTable(
                name: "case_note_version",
                columns: table => new
                {
                    version_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    note_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    number = table.Column<int>(type: "INTEGER", nullable: false),
                    author_person_id = table.Column<string>(type: "TEXT", nullable: false),
                    written_at = table.Column<long>(type: "INTEGER", nullable: false),
                    @sealed = table.Column<byte[]>(name: "sealed", type: "BLOB", nullable: false),
                    reason = table.Column<byte[]>(type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_case_note_version", x => x.version_id);
                });

            migrationBuilder.CreateIndex(
                name: "IX_case_note_version_note_id_number",
                table: "case_note_version",
                columns: new[] { "note_id", "number" },
                unique: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "case_note_version");

            migrationBuilder.DropColumn(
                name: "version",
                table: "case_note");
        }
    }
}
