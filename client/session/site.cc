#include "session/site.h"

namespace fed::session {

wire::Availability Site::availability(const LocalTime& time) const {
  return {.open = hours_.open(time),
          .change_s = hours_.changes_in(time).value_or(0),
          .upload_mbit_s = limits_.upload_mbit_s_max,
          .download_mbit_s = limits_.download_mbit_s_max,
          .detail = config::hours_text(limits_.hours)};
}

std::string Site::state(const LocalTime& time) const {
  const std::string state = hours_.open(time) ? "open" : "resting";
  const auto change = hours_.changes_in(time);
  return change ? state + " until " + clock_after(time, *change) : state;
}

}  // namespace fed::session
