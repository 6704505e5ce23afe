// The daemon's answers for people: tables, progress bars, sentences. Pure functions from JSON to
// text.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace fed::app {

std::string render_clients(const nlohmann::json& answer);
std::string render_jobs(const nlohmann::json& answer);
std::string render_status(const nlohmann::json& answer);
std::string render_show(const nlohmann::json& answer);
std::string render_why(const nlohmann::json& answer);
std::string render_replay(const nlohmann::json& answer);
std::string render_privacy(const nlohmann::json& answer);

}  // namespace fed::app
