#include "data/csv.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "data/gzip.h"
#include "data/support.h"

namespace fed::data {
namespace {

using Records = std::vector<std::vector<std::string>>;

Result<Records> read_all(const fs::path& path, char delimiter = ',') {
  FED_ASSIGN(reader, CsvReader::open(path, delimiter));
  Records records;
  while (true) {
    FED_ASSIGN(found, reader.next());
    if (!found) return records;
    records.emplace_back(reader.fields().begin(), reader.fields().end());
  }
}

Records records_of(std::string_view content, char delimiter = ',') {
  const Folder folder;
  return read_all(folder.write("a.csv", content), delimiter).value();
}

std::string error_of(std::string_view content) {
  const Folder folder;
  const fs::path path = folder.write("a.csv", content);
  const auto records = read_all(path);
  REQUIRE(records.has_error());
  CHECK(records.error().code == ErrorCode::malformed);
  REQUIRE(records.error().detail.starts_with(path.string()));
  return records.error().detail.substr(path.string().size());
}

TEST_CASE("records follow RFC 4180") {
  CHECK(records_of("a,b\r\n1,2\r\n") == Records{{"a", "b"}, {"1", "2"}});
  CHECK(records_of("a,b\n1,2") == Records{{"a", "b"}, {"1", "2"}});
  CHECK(records_of("a,b\r1,2\r") == Records{{"a", "b"}, {"1", "2"}});
  CHECK(records_of("\"a,1\",\"say \"\"hi\"\"\"\n\"two\r\nlines\",\"\"\n") ==
        Records{{"a,1", "say \"hi\""}, {"two\r\nlines", ""}});
  CHECK(records_of("a;b,c\n", ';') == Records{{"a", "b,c"}});
  CHECK(records_of(",\n,,\n") == Records{{"", ""}, {"", "", ""}});
  CHECK(records_of("a\n\n\r\n\nb\n") == Records{{"a"}, {"b"}});  // empty lines
  CHECK(records_of("\"\"\n") == Records{{""}});                  // is not empty
  CHECK(records_of("\xef\xbb\xbf"
                   "a,b\n") == Records{{"a", "b"}});
  CHECK(records_of("") == Records{});
  CHECK(records_of("\xef\xbb\xbf") == Records{});
  CHECK(records_of(" a , b\n") == Records{{" a ", " b"}});
}

TEST_CASE("a record knows its first line and its own text") {
  const Folder folder;
  const auto path = folder.write("a.csv", "h\r\n\r\n\"x\r\ny\ry\ny\",\"q\"\"\"\r\nlast");
  auto reader = CsvReader::open(path, ',').value();
  REQUIRE(reader.next().value());
  CHECK(reader.line() == 1);
  REQUIRE(reader.next().value());
  CHECK(reader.line() == 3);
  CHECK(reader.raw() == "\"x\r\ny\ry\ny\",\"q\"\"\"");
  CHECK(reader.fields()[0] == "x\r\ny\ry\ny");
  REQUIRE(reader.next().value());
  CHECK(reader.line() == 7);
  CHECK(reader.raw() == "last");
  CHECK_FALSE(reader.next().value());
  CHECK_FALSE(reader.next().value());
}

TEST_CASE("what is no CSV is refused with its line") {
  CHECK(error_of("a\n1\n2\"2\n") ==
        ": line 3: there is a quote inside a field without quotes; quote the field and double it");
  CHECK(error_of("a\n\"1\n\n\"x\n") ==
        ": line 4: there is text after a closing quote; double quotes inside quotes");
  CHECK(error_of("a\n\n\"1,2\n3,4\n") == ": line 3: the quote that opens here is never closed");
  CHECK(error_of(std::string("\xff\xfe"
                             "a\0",
                             4)) == " is UTF-16; save it as UTF-8");
  CHECK(error_of("a\n\"" + std::string(kCsvRecordBytesMax, 'x')) ==
        ": line 2: a record of more than 16777216 bytes begins here; is a quote missing?");
  const Folder folder;
  const fs::path absent = folder.path() / "absent.csv";
  const auto missing = CsvReader::open(absent, ',');
  REQUIRE(missing.has_error());
  CHECK(missing.error() == Error{ErrorCode::not_found,
                                 "cannot open " + absent.string() + ": No such file or directory"});
}

TEST_CASE("a compressed file reads the same, and damage is seen") {
  const Folder folder;
  std::string content = "a,b\n";
  for (int i = 0; i < 20000; ++i) content += fmt::format("{},{}\n", i, i * 7919 % 1009);
  const fs::path path = folder.path() / "a.csv.gz";
  auto file = GzipFile::open_to_write(path).value();
  REQUIRE(file.write(view(content)));
  REQUIRE(file.close());
  CHECK(read_all(path).value() == records_of(content));

  std::string bytes = read_text_file(path);
  const auto cut = read_all(folder.write("cut.gz", bytes.substr(0, bytes.size() / 2)));
  REQUIRE(cut.has_error());
  CHECK(cut.error().detail ==
        (folder.path() / "cut.gz").string() + " ends in the middle of its compressed data");
  bytes[bytes.size() - 5] ^= 1;  // of the CRC
  const auto damaged = read_all(folder.write("damaged.gz", bytes));
  REQUIRE(damaged.has_error());
  CHECK(damaged.error().detail.find("damaged compressed data (") != std::string::npos);
}

TEST_CASE("nasty files parse as Python's csv module parses them") {
  const Folder folder;
  Random random(4);
  const std::vector<std::string> pieces{"",   "a",    "1.5", " ",        "\"\"", ",",
                                        "\n", "\r\n", "\t",  "\xc3\xa9", "NA",   "x y"};
  for (int trial = 0; trial < 20; ++trial) {
    std::string content = trial % 2 == 0 ? "" : "\xef\xbb\xbf";
    const char* end = trial % 3 == 0 ? "\r\n" : "\n";
    for (int row = 0; row < 200; ++row) {
      for (int column = 0; column < 4; ++column) {
        std::string cell;
        for (std::uint64_t i = random.below(5); i > 0; --i)
          cell += pieces[random.below(pieces.size())];
        const bool quotes =
            cell.find_first_of(",\"\r\n") != std::string::npos || random.below(4) == 0;
        content += (column == 0 ? "" : ",") + (quotes ? "\"" + cell + "\"" : cell);
      }
      content += end;
    }
    const fs::path path = folder.write("nasty.csv", content);
    const auto printed = python(folder, R"(
import csv, sys
for row in csv.reader(open(sys.argv[1], newline="", encoding="utf-8-sig"), strict=True):
    print(" ".join(cell.encode().hex() for cell in row) + ".")
)",
                                path);
    const Records records = read_all(path).value();
    REQUIRE(records.size() == printed.size());
    for (std::size_t i = 0; i < records.size(); ++i) {
      std::string line;
      for (const auto& cell : records[i])
        line += (&cell == &records[i][0] ? "" : " ") + to_hex(view(cell));
      REQUIRE(line + "." == printed[i]);
    }
  }
}

TEST_CASE("records that lie across the edge of a buffer are read as any other") {
  constexpr std::size_t kBufferBytes = 1u << 17;
  const std::string tail = "\r\n\"q\"\"\r\n\",\"\"\r\n\r\nlast,x\r\n";
  for (std::size_t before = 0; before <= tail.size(); ++before) {
    const std::string wide(kBufferBytes - before - 2, 'w');
    CHECK(records_of("a," + wide + tail) == Records{{"a", wide}, {"q\"\r\n", ""}, {"last", "x"}});
  }
}

TEST_CASE("what the operating system refuses is named") {
  const Folder folder;
  const auto reader = CsvReader::open(folder.path(), ',');
  REQUIRE(reader.has_error());
  CHECK(reader.error() ==
        Error{ErrorCode::io, "cannot read " + folder.path().string() + ": Is a directory"});
  auto full = GzipFile::open_to_write("/dev/full").value();
  REQUIRE(full.write(view("some bytes")));
  const Status closed = full.close();
  REQUIRE(closed.has_error());
  CHECK(closed.error() ==
        Error{ErrorCode::disk_full, "cannot write /dev/full: No space left on device"});
}

TEST_CASE("whatever byte is changed, reading ends") {
  const Folder folder;
  const std::string good = "a,b\r\n\"x\"\"y\",2\n\"n\nl\",\"\"\n";
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (char c : {'"', ',', '\n', '\r', '\0', '\xff'}) {
      std::string bad = good;
      bad[at] = c;
      const auto records = read_all(folder.write("bad.csv", bad));
      if (records.has_error()) CHECK(records.error().code == ErrorCode::malformed);
    }
  }
}

}  // namespace
}  // namespace fed::data
