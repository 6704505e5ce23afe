// A server of secure sums that has everything it needs to take the masks out: a real secagg::Server
// which was led through all its phases by peers that are only keys and shares.
#pragma once

#include "secure_peers.h"

namespace fed::bench {

// Used from one thread.
class SecureRemoval {
 public:
  // The last `dropped` clients of `world` deal shares and send no input.
  SecureRemoval(const secagg::World& world, std::size_t dropped);

  // `sum` is that of the survivors' masked inputs; without its masks.
  secagg::Words finish(secagg::Words sum, const secagg::Parallel& parallel) const;
  // The sum of all masks that are in the survivors' inputs.
  secagg::Words masks_of_survivors() const;

  const secagg::Parameters& parameters() const { return roster_.parameters; }
  // How many masks the server has to make: one for each survivor, and one for each surviving
  // neighbour of each drop-out.
  std::size_t masks() const;

 private:
  bool survived(secagg::Member member) const { return member < world_.size() - dropped_; }
  secagg::ShareMessage deal(secagg::Member dealer);
  void reveal(secagg::Member holder);
  void collect();

  const secagg::World& world_;
  const std::size_t dropped_;
  std::vector<Peer> peers_;
  secagg::Server server_;
  secagg::Roster roster_;
  // What each client dealt to its neighbours that will be asked for: of its own mask if it
  // survives, else of its key.
  std::vector<std::vector<std::pair<secagg::Member, crypto::Scalar>>> dealt_;
};

}  // namespace fed::bench
