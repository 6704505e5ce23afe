// The lines of STATE/privacy.ledger, as text: "JOB TASK WHAT", WHAT being one of
//
//   NOISE_MULTIPLIER                  noise that the server adds
//   NOISE_MULTIPLIER MECHANISM ...    noise of this client; of distributed_gaussian followed by
//                                     "SURVIVORS DIMENSION CLIP_STEPS BETA" (privacy/plan.h)
//   accepted                          the server has said that it has the task's update
//   lost                              the ledger lacked the task when the server counted it
//
// Free functions; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "privacy/plan.h"

namespace fed::app {

inline constexpr const char* kAcceptedTask = "accepted";
inline constexpr const char* kLostTask = "lost";

struct PrivacyLine {
  std::string job;
  std::int64_t task = 0;
  std::string what;
};

// With its newline, and back without it; none for what is no such line.
std::string text_of(const PrivacyLine& line);
std::optional<PrivacyLine> privacy_line(const std::string& text);

// A request as a line has it, to the last digit of its noise, and back as far as the costs of a
// task need it.
std::string noise_text(const privacy::PlanRequest& request);
std::optional<privacy::PlanRequest> noise_from(const std::string& text);

// Whether it is the server's.
bool is_of_server(const std::string& noise);

}  // namespace fed::app
