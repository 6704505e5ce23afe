// The thin wrapper around SQLite: values, errors and transactions.
#include "store/sqlite.h"

#include <catch2/catch.hpp>
#include <limits>

#include "folder.h"

using fed::Bytes;
using fed::ByteView;
using fed::ErrorCode;
using fed::Status;
using fed::store::Database;
using fed::store::Statement;
using fed::store::testing::Folder;

namespace {

struct Opened {
  Folder folder;
  std::unique_ptr<Database> database =
      std::move(Database::open(fed::real_disk(), folder / "test.db")).value();

  Database* operator->() const { return database.get(); }
  std::int64_t rows() const {
    Statement count = database->prepare("SELECT count(*) FROM t");
    count.step().value();
    return count.integer(0);
  }
};

}  // namespace

TEST_CASE("sqlite: values of every type come back") {
  const Opened opened;
  opened->execute("CREATE TABLE t (a, b, c, d, e, f)").value();
  const std::string text("nul\0 and ' and \xc3\xa4", 18);
  const Bytes blob = {0, 1, 255};
  const std::int64_t least = std::numeric_limits<std::int64_t>::min();
  opened->prepare("INSERT INTO t VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
      .bind(least)
      .bind(-0.1)
      .bind(text)
      .bind(ByteView(blob))
      .bind(std::optional<std::int64_t>())
      .bind(std::optional<double>())
      .run()
      .value();
  Statement row = opened->prepare("SELECT a, b, c, d, e, f, '' FROM t");
  REQUIRE(row.step().value());
  CHECK(row.integer(0) == least);
  CHECK(row.real(1) == -0.1);
  CHECK(row.text(2) == text);
  CHECK(fed::copy(row.blob(3)) == blob);
  CHECK((row.is_null(4) && row.is_null(5) && !row.is_null(0)));
  CHECK_FALSE(row.optional_integer(4).has_value());
  CHECK_FALSE(row.optional_real(5).has_value());
  CHECK(row.optional_integer(0) == least);
  CHECK(row.optional_real(1) == -0.1);
  CHECK(row.text(6).empty());
  Bytes three(3), four(4);
  CHECK(row.bytes(3, three).has_value());
  CHECK(three == blob);
  CHECK(row.bytes(3, four).error().code == ErrorCode::malformed);
  CHECK_FALSE(row.step().value());
}

TEST_CASE("sqlite: the empty text is a text and not nothing") {
  const Opened opened;
  opened->execute("CREATE TABLE t (a TEXT NOT NULL)").value();
  CHECK(opened->prepare("INSERT INTO t VALUES (?1)").bind(std::string_view()).run().has_value());
}

TEST_CASE("sqlite: errors are results, in preparing, binding and stepping") {
  const Opened opened;
  opened->execute("CREATE TABLE t (a INTEGER PRIMARY KEY)").value();
  CHECK(opened->prepare("SELECT nothing FROM t").step().error().code == ErrorCode::io);
  CHECK(opened->prepare("SELECT a FROM t").bind(std::int64_t{1}).step().has_error());
  CHECK(opened->execute("INSERT INTO nowhere VALUES (1)").has_error());
  CHECK(opened->execute("INSERT INTO t VALUES (1)").has_value());
  CHECK(opened->execute("INSERT INTO t VALUES (1)").error().code == ErrorCode::already_exists);
  CHECK(opened->last_id() == 1);
}

TEST_CASE("sqlite: a cached statement starts anew, whatever its last user left") {
  const Opened opened;
  opened->execute("CREATE TABLE t (a); INSERT INTO t VALUES (1), (2)").value();
  for (int use = 0; use < 3; ++use) {
    Statement statement = opened->prepare("SELECT a FROM t WHERE a >= ?1 ORDER BY a");
    REQUIRE(statement.bind(std::int64_t{1}).step().value());
    CHECK(statement.integer(0) == 1);  // and one row is left
  }
  Statement unbound = opened->prepare("SELECT a FROM t WHERE a >= ?1 ORDER BY a");
  CHECK_FALSE(unbound.step().value());  // NULL again
}

TEST_CASE("sqlite: a transaction is all or nothing") {
  const Opened opened;
  opened->execute("CREATE TABLE t (a INTEGER PRIMARY KEY)").value();
  const auto insert = [&](std::int64_t value) {
    return opened->prepare("INSERT INTO t VALUES (?1)").bind(value).run();
  };
  CHECK(opened->transaction([&] { return insert(1); }).has_value());
  CHECK(opened->changes() == 1);
  const Status failed = opened->transaction([&]() -> Status {
    FED_TRY(insert(2));
    return insert(1);
  });
  CHECK(failed.error().code == ErrorCode::already_exists);
  CHECK(opened.rows() == 1);
  // The caller's own refusal undoes as well.
  const Status refused = opened->transaction([&]() -> Status {
    FED_TRY(insert(3));
    return fed::Error{ErrorCode::invalid, "no"};
  });
  CHECK(refused.error() == fed::Error{ErrorCode::invalid, "no"});
  CHECK(opened.rows() == 1);
  CHECK(opened->transaction([&] { return insert(2); }).has_value());
  CHECK(opened.rows() == 2);
}

TEST_CASE("sqlite: a text that is not a database, a folder in its place") {
  Folder folder;
  fed::replace_file(folder / "text.db", fed::view(std::string(5000, 'x')), fed::Durability::process)
      .value();
  const auto text = Database::open(fed::real_disk(), folder / "text.db");
  REQUIRE(text.has_value());  // SQLite looks at the file when it is first used
  const Status read = (*text)->execute("SELECT count(*) FROM sqlite_schema");
  CHECK(read.error().code == ErrorCode::malformed);
  CHECK(read.error().detail.find((folder / "text.db").string()) != std::string::npos);
  CHECK(Database::open(fed::real_disk(), folder.path()).has_error());
}
