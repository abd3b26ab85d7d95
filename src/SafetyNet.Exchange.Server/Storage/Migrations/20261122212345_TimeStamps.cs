using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace SafetyNet.Exchange.Server.Storage.Migrations
{
    /// <inheritdoc />
    internal partial class TimeStamps : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "audit_time_stamp",
                columns: table => new
                {
                    size = table.Column<long>(type: "INTEGER", nullable: false),
                    stamped_at = table.Column<long>(type: "INTEGER", nullable: false),
                    token = table.Column<byte[]>(type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_audit_time_stamp", x => x.size);
                });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "audit_time_stamp");
        }
    }
}
