using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace SafetyNet.Exchange.Server.Storage.Migrations
{
    /// <inheritdoc />
    internal partial class Retention : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "legal_hold",
                columns: table => new
                {
                    hold_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    jurisdiction = table.Column<int>(type: "INTEGER", nullable: false),
                    @sealed = table.Column<byte[]>(name: "sealed", type: "BLOB", nullable: false),
                    after = table.Column<long>(type: "INTEGER", nullable: true),
                    before = table.Column<long>(type: "INTEGER", nullable: true),
                    placed_at = table.Column<long>(type: "INTEGER", nullable: false),
                    placed_by_unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    placed_by_person_id = table.Column<string>(type: "TEXT", nullable: false),
                    released_at = table.Column<long>(type: "INTEGER", nullable: true),
                    released_by_unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    released_by_person_id = table.Column<string>(type: "TEXT", nullable: false),
                    version = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_legal_hold", x => x.hold_id);
                });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "legal_hold");
        }
    }
}
