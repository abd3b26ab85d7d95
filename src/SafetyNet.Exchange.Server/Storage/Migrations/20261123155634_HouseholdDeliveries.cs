using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace SafetyNet.Exchange.Server.Storage.Migrations
{
    /// <inheritdoc />
    internal partial class HouseholdDeliveries : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "delivery_look",
                columns: table => new
                {
                    jurisdiction = table.Column<int>(type: "INTEGER", nullable: false),
                    looked_until = table.Column<long>(type: "INTEGER", nullable: false),
                    version = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_delivery_look", x => x.jurisdiction);
                });

            migrationBuilder.CreateTable(
                name: "delivery_rejection",
                columns: table => new
                {
                    delivery_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    line = table.Column<long>(type: "INTEGER", nullable: false),
                    number = table.Column<int>(type: "INTEGER", nullable: false),
                    field = table.Column<string>(type: "TEXT", nullable: false),
                    fault = table.Column<int>(type: "INTEGER", nullable: false),
                    argument = table.Column<string>(type: "TEXT", nullable: false),
                    household_id = table.Column<byte[]>(type: "BLOB", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_delivery_rejection", x => new { x.delivery_id, x.line, x.number });
                });

            migrationBuilder.CreateTable(
                name: "household_delivery",
                columns: table => new
                {
                    delivery_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    jurisdiction = table.Column<int>(type: "INTEGER", nullable: false),
                    unit_id = table.Column<string>(type: "TEXT", nullable: false),
                    kind = table.Column<int>(type: "INTEGER", nullable: false),
                    as_of = table.Column<int>(type: "INTEGER", nullable: false),
                    state = table.Column<int>(type: "INTEGER", nullable: false),
                    announced_rows = table.Column<long>(type: "INTEGER", nullable: false),
                    next_line = table.Column<long>(type: "INTEGER", nullable: false),
                    added = table.Column<long>(type: "INTEGER", nullable: false),
                    changed = table.Column<long>(type: "INTEGER", nullable: false),
                    unchanged = table.Column<long>(type: "INTEGER", nullable: false),
                    ended = table.Column<long>(type: "INTEGER", nullable: false),
                    rejected = table.Column<long>(type: "INTEGER", nullable: false),
                    absent = table.Column<long>(type: "INTEGER", nullable: false),
                    content_hash = table.Column<byte[]>(type: "BLOB", nullable: false),
                    begun_at = table.Column<long>(type: "INTEGER", nullable: false),
                    ended_at = table.Column<long>(type: "INTEGER", nullable: true),
                    receipt = table.Column<string>(type: "TEXT", nullable: false),
                    version = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_household_delivery", x => x.delivery_id);
                });

            migrationBuilder.CreateTable(
                name: "household_stay",
                columns: table => new
                {
                    stay_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    person_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    household_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    from_day = table.Column<int>(type: "INTEGER", nullable: false),
                    until_day = table.Column<int>(type: "INTEGER", nullable: false),
                    district = table.Column<string>(type: "TEXT", nullable: false),
                    place = table.Column<int>(type: "INTEGER", nullable: false),
                    @sealed = table.Column<byte[]>(name: "sealed", type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_household_stay", x => x.stay_id);
                });

            migrationBuilder.CreateTable(
                name: "pending_parent",
                columns: table => new
                {
                    child_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    is_father = table.Column<bool>(type: "INTEGER", nullable: false),
                    parent_index = table.Column<byte[]>(type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_pending_parent", x => new { x.child_id, x.is_father });
                });

            migrationBuilder.CreateTable(
                name: "register_entry",
                columns: table => new
                {
                    person_id = table.Column<byte[]>(type: "BLOB", nullable: false),
                    taken_in = table.Column<byte[]>(type: "BLOB", nullable: true),
                    seen_in = table.Column<byte[]>(type: "BLOB", nullable: true),
                    since_day = table.Column<int>(type: "INTEGER", nullable: true),
                    fingerprint = table.Column<byte[]>(type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_register_entry", x => x.person_id);
                });

            migrationBuilder.CreateIndex(
                name: "IX_household_delivery_jurisdiction",
                table: "household_delivery",
                column: "jurisdiction",
                unique: true,
                filter: "state IN (1, 2)");

            migrationBuilder.CreateIndex(
                name: "IX_household_delivery_jurisdiction_delivery_id",
                table: "household_delivery",
                columns: new[] { "jurisdiction", "delivery_id" });

            migrationBuilder.CreateIndex(
                name: "IX_household_stay_household_id_from_day",
                table: "household_stay",
                columns: new[] { "household_id", "from_day" });

            migrationBuilder.CreateIndex(
                name: "IX_household_stay_person_id_from_day",
                table: "household_stay",
                columns: new[] { "person_id", "from_day" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_pending_parent_parent_index",
                table: "pending_parent",
                column: "parent_index");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "delivery_look");

            migrationBuilder.DropTable(
                name: "delivery_rejection");

            migrationBuilder.DropTable(
                name: "household_delivery");

            migrationBuilder.DropTable(
                name: "household_stay");

            migrationBuilder.DropTable(
                name: "pending_parent");

            migrationBuilder.DropTable(
                name: "register_entry");
        }
    }
}
