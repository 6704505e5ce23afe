#include "store/journal.h"
#include "store/sqlite.h"

namespace fed::store {
namespace {

#define FED_CLIENT_COLUMNS \
  "SELECT id, name, channel_key, identity_key, joined_at, last_seen, revoked_at FROM clients "

Result<Client> client_of(const Statement& row) {
  Client client{.id = row.integer(0),
                .name = row.text(1),
                .joined_at = row.integer(4),
                .last_seen = row.integer(5),
                .revoked_at = row.optional_integer(6)};
  FED_TRY(row.bytes(2, client.channel_key));
  FED_TRY(row.bytes(3, client.identity_key));
  return client;
}

// The only row of a query, if there is one.
Result<std::optional<Client>> one_client(Statement& statement) {
  FED_ASSIGN(row, statement.step());
  if (!row) return std::optional<Client>();
  FED_ASSIGN(client, client_of(statement));
  return std::optional(std::move(client));
}

Result<std::optional<Client>> client_by_id(Database& database, std::int64_t id) {
  Statement statement = database.prepare(FED_CLIENT_COLUMNS "WHERE id = ?1");
  return one_client(statement.bind(id));
}

Result<std::optional<Client>> active_client(Database& database, std::string_view name) {
  Statement statement =
      database.prepare(FED_CLIENT_COLUMNS "WHERE name = ?1 AND revoked_at IS NULL");
  return one_client(statement.bind(name));
}

Error taken(const Client& client) {
  return {ErrorCode::already_exists, "there is a client \"" + client.name +
                                         "\" already: revoke it first, or choose another name"};
}

Status withdraw_invites(Database& database, std::string_view name) {
  return database.prepare("DELETE FROM invites WHERE name = ?1 AND used_by IS NULL")
      .bind(name)
      .run();
}

// An invite as it is kept; used_by is set once it has been used up.
struct Kept {
  std::string name;
  std::int64_t expires_at = 0;
  std::optional<std::int64_t> used_by;
};

Result<Kept> kept_invite(Database& database, const InviteId& id) {
  Statement statement =
      database.prepare("SELECT name, expires_at, used_by FROM invites WHERE id = ?1");
  FED_ASSIGN(row, statement.bind(ByteView(id)).step());
  if (row) return Kept{statement.text(0), statement.integer(1), statement.optional_integer(2)};
  return Error{ErrorCode::not_found, "there is no such invitation: ask for a new join code"};
}

Status check_usable(const Kept& invite, std::int64_t now) {
  if (invite.used_by) {
    return Error{ErrorCode::not_found, "the invitation of \"" + invite.name +
                                           "\" has been used: ask for a new join code"};
  }
  if (invite.expires_at <= now) {
    return Error{ErrorCode::invalid,
                 "the invitation of \"" + invite.name + "\" has expired: ask for a new join code"};
  }
  return {};
}

}  // namespace

Status Journal::add_invite(const Invite& invite) {
  return database_->transaction([&]() -> Status {
    FED_ASSIGN(client, active_client(*database_, invite.name));
    if (client) return taken(*client);
    if (kept_invite(*database_, invite.id)) {
      return Error{ErrorCode::already_exists, "the invitation's id is taken"};
    }
    FED_TRY(withdraw_invites(*database_, invite.name));
    return database_
        ->prepare("INSERT INTO invites (id, name, psk, expires_at) VALUES (?1, ?2, ?3, ?4)")
        .bind(ByteView(invite.id))
        .bind(invite.name)
        .bind(ByteView(invite.psk.view()))
        .bind(invite.expires_at)
        .run();
  });
}

Result<Invite> Journal::find_invite(const InviteId& id, std::int64_t now) {
  FED_ASSIGN(invite, kept_invite(*database_, id));
  FED_TRY(check_usable(invite, now));
  Statement statement = database_->prepare("SELECT psk FROM invites WHERE id = ?1");
  FED_TRY(statement.bind(ByteView(id)).step());
  crypto::Wiped<crypto::kKeyBytes> psk;
  FED_TRY(statement.bytes(0, psk.span()));
  return Invite{id, invite.name, crypto::SecretKey(psk.view(), crypto::Memory::plain),
                invite.expires_at};
}

Result<std::vector<PendingInvite>> Journal::invites() {
  Statement statement = database_->prepare(
      "SELECT name, expires_at, id FROM invites WHERE used_by IS NULL ORDER BY name");
  std::vector<PendingInvite> invites;
  while (true) {
    FED_ASSIGN(row, statement.step());
    if (!row) return invites;
    PendingInvite invite{.id = {}, .name = statement.text(0), .expires_at = statement.integer(1)};
    FED_TRY(statement.bytes(2, invite.id));
    invites.push_back(std::move(invite));
  }
}

Result<Client> Journal::take_invite(const InviteId& id, const crypto::PublicKey& channel_key,
                                    const crypto::VerifyKey& identity_key, std::int64_t now) {
  Client joined;
  const Status done = database_->transaction([&]() -> Status {
    FED_ASSIGN(invite, kept_invite(*database_, id));
    FED_ASSIGN(known, find_client_by_key(channel_key));
    if (known && !known->revoked_at && invite.used_by == known->id) {
      joined = *known;
      return {};
    }
    FED_TRY(check_usable(invite, now));
    if (known) {
      return Error{ErrorCode::already_exists,
                   "this key belongs to the client \"" + known->name + "\": make new keys"};
    }
    FED_ASSIGN(same_name, active_client(*database_, invite.name));
    if (same_name) return taken(*same_name);
    joined = {.name = invite.name,
              .channel_key = channel_key,
              .identity_key = identity_key,
              .joined_at = now,
              .last_seen = now};
    FED_TRY(database_
                ->prepare("INSERT INTO clients (name, channel_key, identity_key, joined_at,"
                          " last_seen) VALUES (?1, ?2, ?3, ?4, ?5)")
                .bind(joined.name)
                .bind(ByteView(channel_key))
                .bind(ByteView(identity_key))
                .bind(now)
                .bind(now)
                .run());
    joined.id = database_->last_id();
    return database_->prepare("UPDATE invites SET psk = NULL, used_by = ?2 WHERE id = ?1")
        .bind(ByteView(id))
        .bind(joined.id)
        .run();
  });
  if (!done) return done.error();
  // So that the secret does not stay in the log either. The client is registered whether or not
  // this succeeds now.
  static_cast<void>(database_->checkpoint());
  return joined;
}

Result<std::optional<Client>> Journal::find_client_by_key(const crypto::PublicKey& channel_key) {
  Statement statement = database_->prepare(FED_CLIENT_COLUMNS "WHERE channel_key = ?1");
  return one_client(statement.bind(ByteView(channel_key)));
}

Result<Client> Journal::find_client(std::string_view name) {
  Statement statement =
      database_->prepare(FED_CLIENT_COLUMNS "WHERE name = ?1 ORDER BY id DESC LIMIT 1");
  FED_ASSIGN(client, one_client(statement.bind(name)));
  if (client) return *std::move(client);
  return Error{ErrorCode::not_found, "there is no client \"" + std::string(name) + "\""};
}

Result<std::vector<Client>> Journal::clients() {
  Statement statement = database_->prepare(FED_CLIENT_COLUMNS "ORDER BY id");
  std::vector<Client> clients;
  while (true) {
    FED_ASSIGN(row, statement.step());
    if (!row) return clients;
    FED_ASSIGN(client, client_of(statement));
    clients.push_back(std::move(client));
  }
}

Status Journal::revoke(std::string_view name, std::int64_t now) {
  return database_->transaction([&]() -> Status {
    FED_TRY(withdraw_invites(*database_, name));
    const bool withdrawn = database_->changes() > 0;
    FED_TRY(database_
                ->prepare("UPDATE clients SET revoked_at = ?2"
                          " WHERE name = ?1 AND revoked_at IS NULL")
                .bind(name)
                .bind(now)
                .run());
    if (withdrawn || database_->changes() > 0) return {};
    FED_TRY(find_client(name));
    return Error{ErrorCode::invalid, "the client \"" + std::string(name) + "\" is revoked already"};
  });
}

Status Journal::touch(std::int64_t client, std::int64_t now) {
  return database_->transaction([&]() -> Status {
    FED_ASSIGN(known, client_by_id(*database_, client));
    if (!known) {
      return Error{ErrorCode::not_found, "there is no client " + std::to_string(client)};
    }
    return database_->prepare("UPDATE clients SET last_seen = max(last_seen, ?2) WHERE id = ?1")
        .bind(client)
        .bind(now)
        .run();
  });
}

}  // namespace fed::store
