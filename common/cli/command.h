// Command lines of the form `program command --option value operand ...`, alike in both programs.
//
// A program is a list of commands; help, versions, bad usage and exit statuses are handled here,
// once. Used at start-up, from one thread.
#pragma once

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/variables_map.hpp>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"

namespace fed::cli {

namespace options = boost::program_options;

// Exit statuses that scripts rely on.
enum Exit : int { done = 0, refused = 1, bad_usage = 2, no_daemon = 3 };

class Arguments {
 public:
  explicit Arguments(options::variables_map values) : values_(std::move(values)) {}

  bool has(const char* name) const { return values_.count(name) > 0; }
  template <class T>
  T get(const char* name) const {
    return values_[name].as<T>();
  }
  std::string text(const char* name) const { return has(name) ? get<std::string>(name) : ""; }
  std::vector<std::string> texts(const char* name) const {
    return has(name) ? get<std::vector<std::string>>(name) : std::vector<std::string>();
  }
  bool json() const { return has("json"); }

 private:
  options::variables_map values_;
};

struct Command {
  std::string name;
  std::string operands;  // as help shows them: "NAME", "FILE..."
  std::string summary;   // one line
  std::function<void(options::options_description&)> add_options;
  // Option names in order; a last one "files..." takes the rest, of which there is at least one,
  // and "files*" the rest, if there is any.
  std::vector<std::string> positional;
  std::function<int(const Arguments&)> run;
};

struct Program {
  std::string name;
  std::string summary;
  std::vector<Command> commands;
};

// Finds the command, parses its options and runs it. Every command has --help and --json. Returns
// the exit status.
int run(const Program& program, int argc, const char* const* argv);

// "fedserver 0.1.0 (commit)".
std::string version_line(const std::string& program);

// Prints the error ({"error": ..., "detail": ...} with --json) to stderr and returns `status`.
int fail(const Arguments& arguments, const Error& error, int status = refused);

}  // namespace fed::cli
