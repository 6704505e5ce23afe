#include "base/access.h"

#include <fmt/format.h>
#include <sys/stat.h>

namespace fed {

std::string mode_text(unsigned mode) { return fmt::format("0{:03o}", mode & 0777U); }

std::optional<std::string> open_to_others(Disk& disk, const fs::path& folder) {
  const auto info = disk.inspect(folder);
  if (!info || (info->mode & (S_IRWXG | S_IRWXO)) == 0) return std::nullopt;
  const char* can = (info->mode & (S_IWGRP | S_IWOTH)) != 0 ? "change" : "look into";
  return fmt::format("others can {} {} (mode {}): run `chmod 700 {}`", can, folder.string(),
                     mode_text(info->mode), folder.string());
}

}  // namespace fed
