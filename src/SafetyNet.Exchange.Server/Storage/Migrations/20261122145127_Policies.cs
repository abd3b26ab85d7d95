using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace SafetyNet.Exchange.Server.Storage.Migrations
{
    /// <inheritdoc />
    internal partial class Policies : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "policy_in_force",
                columns: table => new
                {
                    id = table.Column<int>(type: "INTEGER", nullable: false),
                    proposal_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    revision = table.Column<int>(type: "INTEGER", nullable: false),
                    version = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_policy_in_force", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "policy_revision",
                columns: table => new
                {
                    proposal_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    revision = table.Column<int>(type: "INTEGER", nullable: false),
                    rules = table.Column<byte[]>(type: "BLOB", nullable: false),
                    bases = table.Column<byte[]>(type: "BLOB", nullable: false),
                    rules_sha256 = table.Column<string>(type: "TEXT", nullable: false),
                    bases_sha256 = table.Column<string>(type: "TEXT", nullable: false),
                    proposed_by_agency = table.Column<string>(type: "TEXT", nullable: false),
                    proposed_by_unit = table.Column<string>(type: "TEXT", nullable: false),
                    proposed_by_person = table.Column<string>(type: "TEXT", nullable: false),
                    proposed_at = table.Column<long>(type: "INTEGER", nullable: false),
                    activated_by_agency = table.Column<string>(type: "TEXT", nullable: false),
                    activated_by_unit = table.Column<string>(type: "TEXT", nullable: false),
                    activated_by_person = table.Column<string>(type: "TEXT", nullable: false),
                    activated_at = table.Column<long>(type: "INTEGER", nullable: true),
                    activated_by_decision = table.Column<byte[]>(type: "BLOB", nullable: true),
                    version = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_policy_revision", x => x.proposal_id);
                });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "policy_in_force");

            migrationBuilder.DropTable(
                name: "policy_revision");
        }
    }
}
