using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace SafetyNet.Exchange.Server.Storage.Migrations
{
    /// <inheritdoc />
    internal partial class Witness : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<long>(
                name: "witnessed_at",
                table: "audit_checkpoint",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.CreateIndex(
                name: "IX_audit_checkpoint_witnessed_at",
                table: "audit_checkpoint",
                column: "witnessed_at",
                filter: "witnessed_at IS NOT NULL");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_audit_checkpoint_witnessed_at",
                table: "audit_checkpoint");

            migrationBuilder.DropColumn(
                name: "witnessed_at",
                table: "audit_checkpoint");
        }
    }
}
