#include "config/document.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/file.h"
#include "config/schema.h"

namespace fed::config {
namespace {

// Follows the parser through the text: what nlohmann's own document does not tell (a key given
// twice, too much nesting) and the place of the first syntax error.
class Inspector : public Json::json_sax_t {
 public:
  explicit Inspector(std::string_view text) : text_(text) {}

  Problems take() && { return std::move(problems_); }

  bool null() override { return value(); }
  bool boolean(bool) override { return value(); }
  bool number_integer(number_integer_t) override { return value(); }
  bool number_unsigned(number_unsigned_t) override { return value(); }
  bool number_float(number_float_t, const string_t&) override { return value(); }
  bool string(string_t&) override { return value(); }
  bool binary(binary_t&) override { return value(); }
  bool start_object(std::size_t) override { return open(false); }
  bool start_array(std::size_t) override { return open(true); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    Level& level = levels_.back();
    level.key = name;
    if (level.keys.insert(name).second || problems_.size() >= problems_max) return true;
    problems_.push_back({pointer(), "is there more than once; keep one"});
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const Json::exception& error) override {
    problems_.push_back({"", place(position) + ": " + explain(error.what())});
    return false;
  }

 private:
  struct Level {
    bool is_array;
    std::size_t index = 0;
    std::string key;
    std::set<std::string> keys;
  };

  bool value() {
    if (!levels_.empty()) ++levels_.back().index;
    return true;
  }

  bool open(bool is_array) {
    if (levels_.size() == depth_max) {
      problems_ = {{"", "is nested more than " + std::to_string(depth_max) + " levels deep"}};
      return false;
    }
    levels_.push_back({.is_array = is_array, .index = 0, .key = {}, .keys = {}});
    return true;
  }

  bool close() {
    levels_.pop_back();
    return value();
  }

  std::string pointer() const {
    std::string path;
    for (const Level& level : levels_) {
      path = step(path, level.is_array ? std::to_string(level.index) : level.key);
    }
    return path;
  }

  // `position` counts the bytes read, the one that did not fit included.
  std::string place(std::size_t position) const {
    const std::string_view before = text_.substr(0, position == 0 ? 0 : position - 1);
    std::size_t line = 1, column = 1;
    for (const char c : before) {
      const bool continues = (static_cast<unsigned char>(c) & 0xC0) == 0x80;
      if (!continues) ++column;
      if (c != '\n') continue;
      ++line;
      column = 1;
    }
    return "line " + std::to_string(line) + ", column " + std::to_string(column);
  }

  // nlohmann's message without its tag and its own account of the place, and without a long
  // quotation.
  static std::string explain(std::string message) {
    const std::size_t tag = message.find("] ");
    if (tag != std::string::npos) message.erase(0, tag + 2);
    if (message.starts_with("parse error at")) message.erase(0, message.find(": ") + 2);
    const std::size_t quotation = message.find("; last read: ");
    constexpr std::size_t quoted_max = 40;
    if (quotation != std::string::npos && message.find(';', quotation + 1) == std::string::npos &&
        message.size() - quotation > quoted_max) {
      message.erase(quotation);
    }
    return message;
  }

  std::string_view text_;
  std::vector<Level> levels_;
  Problems problems_;
};

const Json& schema_of(Kind kind) {
  static const Json schemas[] = {Json::parse(schema_text(Kind::server)),
                                 Json::parse(schema_text(Kind::job)),
                                 Json::parse(schema_text(Kind::client))};
  return schemas[static_cast<std::size_t>(kind)];
}

// The document, and the problems with which it can still be checked further (keys given twice).
Checked<Examined> inspect(std::string_view text) {
  if (text.size() > file_bytes_max) {
    return Problems{{"", "has " + std::to_string(text.size()) + " bytes; allowed: at most " +
                             std::to_string(file_bytes_max)}};
  }
  Inspector inspector(text);
  const bool parsed = Json::sax_parse(text, &inspector);
  Problems problems = std::move(inspector).take();
  if (!parsed) return problems;
  return Examined{Json::parse(text), std::move(problems)};
}

}  // namespace

Checked<Json> parse_json(std::string_view text) {
  FED_ASSIGN(inspected, inspect(text));
  if (!inspected.problems.empty()) return std::move(inspected.problems);
  return Checked<Json>(boost::system::in_place_value, std::move(inspected.document));
}

bool Examined::whole(std::string_view section) const {
  if (problems.size() >= problems_max) return false;
  const std::string key = step("", section);
  return std::none_of(problems.begin(), problems.end(), [&](const Problem& problem) {
    const std::string& at = problem.pointer;
    return at.empty() || at == key || at.starts_with(key + "/");
  });
}

Checked<Json> validate(Kind kind, std::string_view text, const Further& further) {
  FED_ASSIGN(file, inspect(text));
  complete(schema_of(kind), file.document, file.problems);
  Problems between = further ? further(file) : Problems{};
  Problems& all = file.problems;
  all.insert(all.end(), between.begin(), between.end());
  if (!all.empty()) return std::move(all);
  return Checked<Json>(boost::system::in_place_value, std::move(file.document));
}

Checked<std::string> read_text(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return Problems{{"", "is a folder, not a file"}};
  const Result<Bytes> content = read_file(path, file_bytes_max);
  if (content) return std::string(text(*content));
  switch (content.error().code) {
    case ErrorCode::not_found:
      return Problems{{"", "there is no such file"}};
    case ErrorCode::too_large: {
      const auto most = std::to_string(file_bytes_max);
      return Problems{
          {"", "is too large for a configuration; allowed: at most " + most + " bytes"}};
    }
    default:
      return Problems{{"", "cannot be read: " + content.error().detail}};
  }
}

std::filesystem::path path_at(const Json& object, const char* key,
                              const std::filesystem::path& folder) {
  const std::filesystem::path path = object.at(key).get<std::string>();
  if (folder.empty() || path.is_absolute()) return path;
  return (std::filesystem::absolute(folder) / path).lexically_normal();
}

}  // namespace fed::config
