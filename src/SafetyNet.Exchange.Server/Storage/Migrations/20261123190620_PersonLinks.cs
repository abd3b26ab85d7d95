using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace SafetyNet.Exchange.Server.Storage.Migrations
{
    /// <inheritdoc />
    internal partial class PersonLinks : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_case_subject_one_open",
                table: "case_subject");

            migrationBuilder.AddColumn<byte[]>(
                name: "linked_to",
                table: "person",
                type: "BLOB",
                nullable: true);

            migrationBuilder.AddColumn<byte[]>(
                name: "same_as",
                table: "person",
                type: "BLOB",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "beside",
                table: "case_subject",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.CreateTable(
                name: "entered_reference",
                columns: table => new
                {
                    person_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    place = table.Column<int>(type: "INTEGER", nullable: false),
                    owner = table.Column<byte[]>(type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_entered_reference", x => new { x.person_id, x.place, x.owner });
                });

            migrationBuilder.CreateTable(
                name: "person_link",
                columns: table => new
                {
                    link_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    jurisdiction = table.Column<int>(type: "INTEGER", nullable: false),
                    kept_index = table.Column<byte[]>(type: "BLOB", nullable: false),
                    other_index = table.Column<byte[]>(type: "BLOB", nullable: false),
                    decision = table.Column<int>(type: "INTEGER", nullable: false),
                    decided_at = table.Column<long>(type: "INTEGER", nullable: false),
                    unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    decided_by_person_id = table.Column<string>(type: "TEXT", nullable: false),
                    delivery_id = table.Column<byte[]>(type: "BLOB", nullable: true),
                    @sealed = table.Column<byte[]>(name: "sealed", type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_person_link", x => x.link_id);
                });

            migrationBuilder.CreateIndex(
                name: "ix_person_linked_number",
                table: "person",
                column: "national_id_index",
                filter: "same_as IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "IX_person_same_as",
                table: "person",
                column: "same_as",
                filter: "same_as IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_case_subject_one_open",
                table: "case_subject",
                columns: new[] { "person_id", "beside" },
                unique: true,
                filter: "is_open = 1");

            migrationBuilder.CreateIndex(
                name: "IX_entered_reference_place_owner",
                table: "entered_reference",
                columns: new[] { "place", "owner" });

            migrationBuilder.CreateIndex(
                name: "IX_person_link_kept_index_other_index",
                table: "person_link",
                columns: new[] { "kept_index", "other_index" });

            migrationBuilder.CreateIndex(
                name: "IX_person_link_other_index",
                table: "person_link",
                column: "other_index");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "entered_reference");

            migrationBuilder.DropTable(
                name: "person_link");

            migrationBuilder.DropIndex(
                name: "ix_person_linked_number",
                table: "person");

            migrationBuilder.DropIndex(
                name: "IX_person_same_as",
                table: "person");

            migrationBuilder.DropIndex(
                name: "ix_case_subject_one_open",
                table: "case_subject");

            migrationBuilder.DropColumn(
                name: "linked_to",
                table: "person");

            migrationBuilder.DropColumn(
                name: "same_as",
                table: "person");

            migrationBuilder.DropColumn(
                name: "beside",
                table: "case_subject");

            migrationBuilder.CreateIndex(
                name: "ix_case_subject_one_open",
                table: "case_subject",
                column: "person_id",
                unique: true,
                filter: "is_open = 1");
        }
    }
}
