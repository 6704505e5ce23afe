#include "app/why.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <span>
#include <tuple>

#include "app/units.h"

namespace fed::app {
namespace {

// While bytes are to flow, a silence of so many seconds is a standstill.
constexpr double kTransferSilenceSeconds = 5;
constexpr std::size_t kSitesNamed = 3;

bool transfers(const Site& site) {
  return site.state == "uploading" || site.state == "downloading";
}

// How long it keeps the round waiting, as far as that is known.
double wait_s(const Site& site, double silent_s_max) {
  constexpr double kNever = std::numeric_limits<double>::infinity();
  constexpr double kUnknown = 1e12;
  if (!site.connected || site.limited() || site.stands_still(silent_s_max)) return kNever;
  return site.ready_s.value_or(kUnknown);
}

int rank(const Site& site) {
  if (site.outstanding) return site.connected ? 1 : 0;
  if (site.state == "refused" || site.state == "failed" || site.state == "removed") return 2;
  if (site.member) return 3;
  if (site.state == "unable" || site.state == "reading" || site.limited()) return 4;
  return site.state == "away" ? 5 : 6;
}

std::string round_name(const round::Report& report) {
  return report.kind == round::TaskKind::statistics ? "The statistics of the columns (round 0)"
                                                    : fmt::format("Round {}", report.round);
}

std::string lost(const Site& site) {
  std::string text = "is not connected";
  if (site.silent_s) {
    text += *site.silent_s < 1 ? " since a moment ago" : " for " + duration_text(*site.silent_s);
  }
  return site.detail.empty() ? text : text + " (" + site.detail + ")";
}

std::string amount(const Site& site) {
  if (site.total == 0) return "";
  if (transfers(site)) {
    return fmt::format("{} of {}", bytes_text(static_cast<double>(site.done)),
                       bytes_text(static_cast<double>(site.total)));
  }
  return fmt::format("{:.0f} %",
                     100 * static_cast<double>(site.done) / static_cast<double>(site.total));
}

std::string silence(const Site& site) {
  return "nothing has come from it for " + duration_text(site.silent_s.value_or(0));
}

std::string transfer(const Site& site, double silent_s_max) {
  const bool up = site.state == "uploading";
  const std::string where = amount(site);
  if (site.stands_still(silent_s_max)) {
    std::string text =
        fmt::format("has stopped {}", up ? "uploading its update" : "fetching the model");
    if (!where.empty()) text += " at " + where;
    if (site.silent_s.value_or(0) > kTransferSilenceSeconds) return text + ": " + silence(site);
    return text + "; its connection is alive";
  }
  std::string text = up ? "uploads its update" : "fetches the model";
  if (site.rate) text += " at " + bytes_text(*site.rate) + "/s";
  return where.empty() ? text : text + ", " + where + (up ? " are here" : " are there");
}

std::string ready(const Site& site) {
  return site.ready_s ? ", about " + duration_text(*site.ready_s) + " to go" : "";
}

std::string last_word(const Site& site) {
  const std::string& words = site.detail.empty() ? site.last_refusal.detail : site.detail;
  return words.empty() ? "" : " (" + words + ")";
}

// "a, b, c and 4 more", each with what is the matter.
std::string list(std::span<const Site> sites, double silent_s_max) {
  std::string text;
  for (std::size_t i = 0; i < std::min(sites.size(), kSitesNamed); ++i) {
    text += (i > 0 ? "; " : "") + sites[i].name + " " + cause(sites[i], silent_s_max);
  }
  if (sites.size() > kSitesNamed) text += fmt::format("; and {} more", sites.size() - kSitesNamed);
  return text;
}

std::string begins(const View& view) {
  if (!view.deadline_s) return "";
  return fmt::format(" It begins in {} with those who are there by then.",
                     duration_text(std::max(0.0, *view.deadline_s)));
}

std::string selecting(const View& view) {
  const round::Report& report = view.report;
  const std::int64_t there = report.accepted + report.available;
  if (there >= report.contributions_min) return round::waiting_for(report) + begins(view);
  std::string text = fmt::format("{} cannot begin: it needs {} sites, and {} can take part now.",
                                 round_name(report), report.contributions_min, there);
  std::vector<Site> missing;
  for (const Site& site : view.sites) {
    if (!site.connected || rank(site) == 4) missing.push_back(site);
  }
  if (missing.empty()) return text + " Invite more sites, or lower rounds.contributions.min.";
  return text + " Missing: " + list(missing, view.silent_s_max) + ".";
}

std::string what_it_needs(const View& view) {
  const round::Report& report = view.report;
  const std::string left =
      view.deadline_s ? fmt::format(" in {}", duration_text(std::max(0.0, *view.deadline_s))) : "";
  std::string text =
      fmt::format(" It has {} of {} updates", report.accepted, report.contributions_goal);
  if (report.missing() == 0) {
    return text + ", enough to count, and closes at its deadline" + left +
           " with those that are there by then.";
  }
  return text + fmt::format(" and needs {} more to count", report.missing()) +
         (left.empty() ? "." : "; its deadline is" + left + ".");
}

std::string refused(const View& view) {
  std::string text;
  for (const Site& site : view.sites) {
    if (!site.member || rank(site) != 2 || site.last_refusal.reason == round::Reason::none)
      continue;
    text += (text.empty() ? " Not counted: " : "; ") + site.name + " (" + site.last_refusal.detail +
            ")";
  }
  return text.empty() ? text : text + ".";
}

std::string collecting(const View& view) {
  const Site* last = holding_up(view);
  if (last == nullptr) return round::waiting_for(view.report);
  const bool hopeless = wait_s(*last, view.silent_s_max) == std::numeric_limits<double>::infinity();
  std::string text = round_name(view.report);
  if (view.report.outstanding == 1) {
    text += fmt::format(" {} {}: it ", hopeless ? "is held up by" : "waits for", last->name);
  } else {
    text += fmt::format(" {} {}, and waits for {} sites in all: {} ",
                        hopeless ? "is held up by" : "waits longest for", last->name,
                        view.report.outstanding, last->name);
  }
  return text + cause(*last, view.silent_s_max) + "." + what_it_needs(view) + refused(view);
}

std::string securing(const View& view) {
  std::string text = fmt::format("Round {} sums up the updates of {} sites under masks (step {})",
                                 view.report.round, view.report.accepted, view.sum_step);
  if (view.sum_waits_for.empty()) return text + ".";
  text += " and waits for ";
  for (std::size_t i = 0; i < std::min(view.sum_waits_for.size(), kSitesNamed); ++i) {
    text += (i > 0 ? ", " : "") + view.sum_waits_for[i];
  }
  if (view.sum_waits_for.size() > kSitesNamed) {
    text += fmt::format(" and {} more", view.sum_waits_for.size() - kSitesNamed);
  }
  const bool in_the_sum = view.sum_step == "signatures" || view.sum_step == "reveal";
  text += "; who does not answer in time is ";
  text += in_the_sum ? "done without" : "left out";
  if (!view.deadline_s) return text + ".";
  return text + " (" + duration_text(std::max(0.0, *view.deadline_s)) + " left).";
}

}  // namespace

bool Site::stands_still(double silent_s_max) const {
  if (!connected || !outstanding || state == "storing") return false;
  const double limit =
      transfers(*this) ? std::min(kTransferSilenceSeconds, silent_s_max) : silent_s_max;
  if (silent_s.value_or(0) > limit) return true;
  return transfers(*this) && rate && *rate == 0;
}

std::string cause(const Site& site, double silent_s_max) {
  if (!site.connected) return lost(site);
  if (site.state == "unable") return "cannot take part: " + site.detail;
  if (site.state == "resting") return "is " + site.detail + ", by its own hours";
  if (site.state == "left out") return "is not asked now: " + site.detail;
  if (site.state == "reading") return "is still reading its data";
  if (transfers(site)) return transfer(site, silent_s_max) + ready(site) + last_word(site);
  const std::string quiet = site.stands_still(silent_s_max) ? "; " + silence(site) : "";
  if (site.state == "training") {
    return (site.total > 0 ? "trains, " + amount(site) + " done" : std::string("trains")) +
           ready(site) + quiet;
  }
  if (site.state == "asked") {
    return "has its task and has not begun" + last_word(site) + quiet;
  }
  if (site.state == "ready") return "has its update ready";
  if (site.state == "storing") return "has delivered; its update is being written down";
  return "has not been asked yet" + quiet;
}

const Site* holding_up(const View& view) {
  if (view.report.phase != round::Phase::collecting || view.report.outstanding == 0) return nullptr;
  std::vector<const Site*> outstanding;
  for (const Site& site : view.sites) {
    if (site.outstanding) outstanding.push_back(&site);
  }
  if (outstanding.empty()) return nullptr;
  // The fastest that are still wanted are the last of them.
  const auto wanted = std::clamp<std::int64_t>(
      view.report.contributions_goal - view.report.accepted, 1, std::ssize(outstanding));
  return outstanding[outstanding.size() - static_cast<std::size_t>(wanted)];
}

void by_urgency(View& view) {
  const auto order = [&](const Site& site) {
    return std::make_tuple(rank(site), -wait_s(site, view.silent_s_max), std::cref(site.name));
  };
  std::sort(view.sites.begin(), view.sites.end(),
            [&](const Site& a, const Site& b) { return order(a) < order(b); });
}

std::string explain(const View& view) {
  const round::Report& report = view.report;
  const bool at_work =
      report.job == round::JobState::running || report.job == round::JobState::draining;
  std::string text;
  if (at_work && report.phase == round::Phase::selecting) {
    text = selecting(view);
  } else if (at_work && report.phase == round::Phase::collecting) {
    text = collecting(view);
  } else if (at_work && report.phase == round::Phase::securing) {
    text = securing(view);
  } else if (at_work && view.decryption) {
    text = *view.decryption;
  } else {
    text = round::waiting_for(report);
  }
  if (at_work && view.retry_s) {
    text += fmt::format(" The next try is in {}.", duration_text(std::max(0.0, *view.retry_s)));
  }
  if (report.job == round::JobState::paused) {
    text += fmt::format(" `fedserver resume {}` lets it go on.", view.job);
  }
  if (at_work && report.phase != round::Phase::abandoned &&
      report.last_failure.reason != round::Reason::none) {
    text += " The attempt before failed: " + report.last_failure.detail;
  }
  if (at_work && !view.decryption && !view.key_holder_missing.empty()) {
    text += fmt::format(
        " No version can be made without its key holder {}, which is not connected "
        "or does not hold the job's key.",
        view.key_holder_missing);
  }
  if (!view.room.enough_disk()) {
    text += fmt::format(" The disk is too full: {} are free, this round's updates need {}.",
                        bytes_text(static_cast<double>(*view.room.disk_free_bytes)),
                        bytes_text(static_cast<double>(view.room.round_bytes)));
  }
  return text;
}

}  // namespace fed::app
