// What a hostile client does instead of what it was asked.
#include "hostile_node.h"

namespace fed::sim {

const HostileNode::Trick HostileNode::kTricks[kTrickCount] = {
    {"as asked", &HostileNode::as_asked},
    {"the same twice", &HostileNode::the_same_twice},
    {"two for one task", &HostileNode::two_for_one_task},
    {"one for two tasks", &HostileNode::one_for_two_tasks},
    {"others' tasks", &HostileNode::others_tasks},
    {"unknown job", &HostileNode::unknown_job},
    {"beyond the end", &HostileNode::beyond_the_end},
    {"shifted chunks", &HostileNode::shifted_chunks},
    {"half an update", &HostileNode::half_an_update},
    {"other upload", &HostileNode::other_upload},
    {"false checksum", &HostileNode::false_checksum},
    {"too many examples", &HostileNode::too_many_examples},
    {"another base", &HostileNode::another_base},
    {"bytes without a record", &HostileNode::bytes_without_a_record},
    {"garbage record", &HostileNode::garbage_record},
    {"garbage message", &HostileNode::garbage_message},
    {"endless message", &HostileNode::endless_message},
    {"the server's words", &HostileNode::the_servers_words},
    {"second hello", &HostileNode::second_hello},
    {"flood", &HostileNode::flood},
    {"nonsense numbers", &HostileNode::nonsense_numbers},
    {"refuses for others", &HostileNode::refuses_for_others},
    {"fetches anything", &HostileNode::fetches_anything},
    {"second connection", &HostileNode::second_connection},
    {"silence", &HostileNode::silence},
};

// ---- Updates ----

void HostileNode::as_asked(const wire::Task& task) { offer(update_for(task)); }

void HostileNode::the_same_twice(const wire::Task& task) {
  const Update update = update_for(task);
  offer(update);
  offer(update);
}

void HostileNode::two_for_one_task(const wire::Task& task) {
  offer(update_for(task));
  offer(update_for(task));
}

void HostileNode::one_for_two_tasks(const wire::Task& task) {
  Update update = update_for(task);
  offer(update);
  ++update.offer.task;
  offer(update);
}

void HostileNode::others_tasks(const wire::Task& task) {
  for (std::int64_t away = -3; away <= 3; ++away) {
    Update update = update_for(task);
    update.offer.task += away;
    if (away != 0) offer(update);
  }
}

void HostileNode::unknown_job(const wire::Task& task) {
  Update update = update_for(task);
  update.offer.job = "job-" + std::to_string(random_.below(6));
  offer(update);
}

void HostileNode::beyond_the_end(const wire::Task& task) {
  offer(update_for(task), Manner::beyond_the_end);
}

void HostileNode::shifted_chunks(const wire::Task& task) {
  offer(update_for(task), Manner::shifted);
}

void HostileNode::half_an_update(const wire::Task& task) { offer(update_for(task), Manner::half); }

void HostileNode::other_upload(const wire::Task& task) {
  offer(update_for(task), Manner::other_upload);
}

void HostileNode::false_checksum(const wire::Task& task) {
  Update update = update_for(task);
  update.offer.checksum[random_.below(update.offer.checksum.size())] ^= 1;
  offer(update);
}

void HostileNode::too_many_examples(const wire::Task& task) {
  Update update = update_for(task);
  update.offer.examples += 1 + static_cast<std::int64_t>(random_.below(1000));
  offer(update);
}

void HostileNode::another_base(const wire::Task& task) {
  Update update = update_for(task);
  update.offer.base_version += lucky(0.5) ? 1 : -1;
  offer(update);
}

// ---- Records ----

void HostileNode::bytes_without_a_record(const wire::Task&) { link_->send_bytes(noise(3000)); }

void HostileNode::garbage_record(const wire::Task&) {
  link_->seal(static_cast<channel::Kind>(1 + random_.below(6)), noise(3000));
}

void HostileNode::garbage_message(const wire::Task& task) {
  Bytes body{1};  // the last fragment
  append(body, wire::encode(update_for(task).offer));
  body.resize(std::min<std::size_t>(body.size(), 4000));
  for (int i = 0; i < 4; ++i) body[1 + random_.below(body.size() - 1)] ^= 0x55;
  link_->seal(channel::Kind::control, body);
}

void HostileNode::endless_message(const wire::Task&) {
  Bytes body(60'000);  // never the last fragment
  for (int i = 0; i < 4; ++i) link_->seal(channel::Kind::control, body);
}

// ---- Messages ----

void HostileNode::the_servers_words(const wire::Task& task) {
  if (lucky(0.5)) {
    send(task);
  } else {
    link_->send(wire::Receipt{task.job, task.task, wire::Outcome::accepted, 0, {}});
  }
}

void HostileNode::second_hello(const wire::Task&) { send(wire::Hello{}); }

void HostileNode::flood(const wire::Task& task) {
  for (std::uint64_t i = 0; i < 200; ++i) {
    send(wire::Progress{task.job, task.task, wire::Phase::training, i, 200});
  }
}

void HostileNode::nonsense_numbers(const wire::Task& task) {
  const std::uint64_t huge = random_.next();
  send(wire::Progress{task.job, task.task, wire::Phase::uploading, huge, huge / 3});
  send(wire::Progress{task.job, -task.task, wire::Phase::downloading, 1, 0});
  send(wire::Availability{lucky(0.5), 1e18 * random_.uniform(), 1e-9, 1e300, "always"});
  send(wire::JobAnswer{task.job, lucky(0.8), static_cast<std::int64_t>(huge), "as many as stars"});
}

void HostileNode::refuses_for_others(const wire::Task& task) {
  for (std::int64_t away = -2; away <= 2; ++away) {
    send(wire::TaskRefused{task.job, task.task + away, "no"});
  }
}

void HostileNode::fetches_anything(const wire::Task& task) {
  for (std::int64_t away = -2; away <= 2; ++away) {
    send(wire::Fetch{task.job, task.base_version + away, random_.below(1000)});
  }
}

void HostileNode::second_connection(const wire::Task&) {
  older_link_ = link_;
  connect();
}

}  // namespace fed::sim
