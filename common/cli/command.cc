#include "cli/command.h"

#include <boost/program_options/parsers.hpp>
#include <boost/program_options/positional_options.hpp>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <sstream>

#include "cli/version.h"

namespace fed::cli {
namespace {

constexpr unsigned kHelpWidth = 100;

void print_program_help(const Program& program) {
  std::cout << program.name << " - " << program.summary << "\n\nCommands:\n";
  for (const Command& command : program.commands) {
    const std::string call = command.name + " " + command.operands;
    std::printf("  %-24s %s\n", call.c_str(), command.summary.c_str());
  }
  std::cout
      << "\n`" << program.name << " COMMAND --help` shows the options of a command.\n"
      << "Exit status: 0 done, 1 refused or failed, 2 bad usage or bad file, 3 no daemon there.\n";
}

// "name", "names..." or "names*"; see Command.
struct Positional {
  explicit Positional(const std::string& text)
      : key(text.ends_with("...") ? text.substr(0, text.size() - 3)
            : text.ends_with("*") ? text.substr(0, text.size() - 1)
                                  : text),
        repeats(key != text),
        required(!text.ends_with("*")) {}

  std::string key;
  bool repeats, required;
};

struct Parser {
  explicit Parser(const Command& command) : visible("Options", kHelpWidth) {
    if (command.add_options) command.add_options(visible);
    visible.add_options()("json", "print JSON, for scripts")("help", "show this help");
    all.add(visible);
    for (const std::string& text : command.positional) {
      const Positional one(text);
      positional.add(one.key.c_str(), one.repeats ? -1 : 1);
      if (one.repeats) {
        all.add_options()(one.key.c_str(), options::value<std::vector<std::string>>());
      } else {
        all.add_options()(one.key.c_str(), options::value<std::string>());
      }
    }
  }

  options::options_description visible, all;
  options::positional_options_description positional;
};

int bad_usage_of(const Program& program, const std::string& command, const std::string& problem) {
  std::cerr << program.name << ": " << problem << "; see `" << program.name << " " << command
            << (command.empty() ? "" : " ") << "--help`\n";
  return bad_usage;
}

int run_command(const Program& program, const Command& command, int argc, const char* const* argv) {
  const Parser parser(command);
  options::variables_map values;
  try {
    options::command_line_parser line(argc, argv);
    line.options(parser.all).positional(parser.positional);
    options::store(line.run(), values);
    if (values.count("help") > 0) {
      std::cout << "Usage: " << program.name << " " << command.name << " " << command.operands
                << "\n\n"
                << command.summary << "\n\n"
                << parser.visible;
      return done;
    }
    options::notify(values);
  } catch (const options::error& problem) {
    return bad_usage_of(program, command.name, problem.what());
  }
  for (const std::string& text : command.positional) {
    const Positional one(text);
    if (one.required && values.count(one.key) == 0)
      return bad_usage_of(program, command.name, "missing " + command.operands);
  }
  return command.run(Arguments(std::move(values)));
}

std::string json_string(const std::string& text) {
  std::ostringstream out;
  out << '"';
  for (const char c : text) {
    if (c == '"' || c == '\\')
      out << '\\' << c;
    else if (c == '\n')
      out << "\\n";
    else if (static_cast<unsigned char>(c) < 0x20)
      out << ' ';
    else
      out << c;
  }
  out << '"';
  return out.str();
}

}  // namespace

int run(const Program& program, int argc, const char* const* argv) {
  // A peer that goes away in the middle of a sendfile(2) is an error of that connection, not the
  // end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  const std::string name = argc > 1 ? argv[1] : "";
  if (name == "--version") {
    std::cout << version_line(program.name) << "\n";
    return done;
  }
  if (name == "--help" || name == "help") {
    print_program_help(program);
    return done;
  }
  if (name.empty()) return bad_usage_of(program, "", "no command");
  for (const Command& command : program.commands) {
    if (command.name != name) continue;
    try {
      return run_command(program, command, argc - 1, argv + 1);
    } catch (const std::exception& problem) {
      std::cerr << program.name << ": " << problem.what() << "\n";
      return refused;
    }
  }
  return bad_usage_of(program, "", "unknown command \"" + name + "\"");
}

std::string version_line(const std::string& program) {
  return program + " " + kVersion + " (" + kCommit + ")";
}

int fail(const Arguments& arguments, const Error& error, int status) {
  if (arguments.json()) {
    std::cerr << "{\"error\":" << json_string(name(error.code))
              << ",\"detail\":" << json_string(error.detail) << "}\n";
  } else {
    std::cerr << error.detail << "\n";
  }
  return status;
}

}  // namespace fed::cli
