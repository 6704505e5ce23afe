// The text of a cell, and how messages speak about it.
//
// Pure functions; thread-safe. A message may quote a cell: it is for the log and the terminal of
// the machine that holds the data, and must not be sent to the server.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace fed::data {

// Without the spaces and tabs at both ends.
std::string_view trim(std::string_view cell);

// Empty, "?" or "NA". `cell` is trimmed.
bool is_missing(std::string_view cell);

// A decimal number as C++ and JSON write it ("-1.5e3", ".5", "+2"), finite and within what a 32-bit
// float holds; else nothing. `cell` is trimmed.
std::optional<double> parse_number(std::string_view cell);

// Why parse_number gave nothing: "\"3,14\" is not a number; decimals take a point".
std::string why_not_a_number(std::string_view cell);

// `cell` in quotes for a message: at most 40 characters, control characters and what is not UTF-8
// as \xHH.
std::string in_quotes(std::string_view cell);

// "\"a\", \"b\" and 3 more", at most ten of them.
std::string listed(std::span<const std::string> names);

// "; did you mean \"age\"?" for a name that differs in case only or in a third of its letters, else
// nothing.
std::string did_you_mean(std::string_view name, std::span<const std::string> candidates);

}  // namespace fed::data
