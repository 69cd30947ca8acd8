#include "plugins/auth/client_certificate.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/config/scalar.h"
#include "plugins/auth/places.h"

namespace upgate::plugins {
namespace {

using plugin::AuthReason;

enum class UserFrom : std::uint8_t { kCommonName, kSubject, kSan };

struct Rules {
  // Of each list that has anything, one must fit.
  std::vector<std::string> subjects;  // whole, or common names
  std::vector<std::string> sans;      // with their kind; "*" at the beginning or the end of a name
  std::vector<std::string> issuers;
  UserFrom user = UserFrom::kCommonName;
};

constexpr std::array<std::string_view, 4> kNameKinds{"DNS:", "URI:", "email:", "IP:"};

std::string_view KindOf(std::string_view san) {
  const auto kind =
      std::ranges::find_if(kNameKinds, [&](auto known) { return san.starts_with(known); });
  return kind != kNameKinds.end() ? *kind : std::string_view();
}

// "CN=alice,O=Example", or only the common name.
bool IsSubject(std::string_view wanted, const io::TlsInfo& tls) {
  return wanted.contains('=') ? wanted == tls.client_subject
                              : !wanted.empty() && wanted == tls.client_name;
}

bool IsSan(std::string_view wanted, std::string_view name) {
  const std::string_view kind = KindOf(wanted);
  if (!name.starts_with(kind)) return false;
  wanted.remove_prefix(kind.size());
  name.remove_prefix(kind.size());
  if (wanted.starts_with('*')) {
    wanted.remove_prefix(1);
    return name.size() > wanted.size() && name.ends_with(wanted);
  }
  if (!wanted.ends_with('*')) return name == wanted;
  wanted.remove_suffix(1);
  return name.size() > wanted.size() && name.starts_with(wanted);
}

// The name that fits, for the user; nullptr if there is none.
const std::string* FindSan(const Rules& rules, const io::PeerCertificate& certificate) {
  if (rules.sans.empty()) return certificate.names.empty() ? nullptr : &certificate.names.front();
  for (const std::string& name : certificate.names) {
    if (std::ranges::any_of(rules.sans, [&](const auto& wanted) { return IsSan(wanted, name); }))
      return &name;
  }
  return nullptr;
}

// Why a certificate does not fit; empty if it does.
std::string_view FaultOf(const Rules& rules, const io::TlsInfo& tls) {
  const io::PeerCertificate& certificate = *tls.client_certificate;
  const auto is_subject = [&](const auto& wanted) { return IsSubject(wanted, tls); };
  if (!rules.subjects.empty() && std::ranges::none_of(rules.subjects, is_subject))
    return "the certificate is of another subject";
  if (!rules.sans.empty() && FindSan(rules, certificate) == nullptr)
    return "the certificate has none of the names that are required";
  const auto& issuers = rules.issuers;
  if (!issuers.empty() && std::ranges::find(issuers, certificate.issuer) == issuers.end())
    return "the certificate is of another issuer";
  return {};
}

std::string UserOf(const Rules& rules, const io::TlsInfo& tls) {
  if (rules.user == UserFrom::kSan) {
    const std::string* name = FindSan(rules, *tls.client_certificate);
    if (name != nullptr) return name->substr(KindOf(*name).size());
  }
  if (rules.user == UserFrom::kCommonName && !tls.client_name.empty()) return tls.client_name;
  return tls.client_subject;
}

std::shared_ptr<const plugin::Identity> IdentityOf(const Rules& rules, const io::TlsInfo& tls) {
  const io::PeerCertificate& certificate = *tls.client_certificate;
  auto identity = std::make_shared<plugin::Identity>();
  identity->user = UserOf(rules, tls);
  identity->claims = {{"subject", tls.client_subject},
                      {"issuer", certificate.issuer},
                      {"serial", certificate.serial},
                      {"sha256", certificate.sha256},
                      {"san", Join(certificate.names, ",")}};
  identity->ends_unix_ms = certificate.ends_unix_s * 1000;
  return identity;
}

plugin::AuthAnswer RefusedCertificate(std::string_view why, const io::TlsInfo& tls) {
  constexpr std::size_t kMostShown = 256;
  return plugin::Refused(AuthReason::kForbidden,
                         fmt::format("{}; its subject is '{}'", why,
                                     std::string_view(tls.client_subject).substr(0, kMostShown)));
}

class ClientCertificateInstance final : public plugin::AuthInstance {
 public:
  ClientCertificateInstance(const Rules& rules, io::Timers& timers)
      : rules_(rules), timers_(timers) {}

  std::unique_ptr<io::Deletable> Check(const plugin::AuthQuestion& question,
                                       plugin::AuthReply reply) override {
    const io::TlsInfo& tls = *question.tls;
    if (const std::string_view fault = FaultOf(rules_, tls); !fault.empty()) {
      reply(RefusedCertificate(fault, tls));
    } else if (timers_.UnixSeconds() >= tls.client_certificate->ends_unix_s) {
      // A connection may outlive the certificate that it was opened with.
      reply(RefusedCertificate("the certificate has expired", tls));
    } else if (!IsUserName(UserOf(rules_, tls))) {
      reply(plugin::Refused(AuthReason::kForbidden,
                            "the user's name in the certificate is too long or has control "
                            "characters"));
    } else {
      reply(plugin::Allowed(IdentityOf(rules_, tls)));
    }
    return nullptr;
  }

 private:
  const Rules& rules_;
  io::Timers& timers_;
};

class ClientCertificateAuth final : public plugin::AuthCheck {
 public:
  explicit ClientCertificateAuth(Rules rules) : rules_(std::move(rules)) {}

  std::unique_ptr<plugin::AuthInstance> Start(plugin::AuthHost& host) const override {
    return std::make_unique<ClientCertificateInstance>(rules_, host.loop().timers);
  }
  std::optional<std::string> Find(const http::Request&, const io::TlsInfo* tls) const override {
    if (tls == nullptr || !tls->client_certificate) return std::nullopt;
    return "";  // it stands in no field
  }
  std::string Describe() const override {
    std::string text = "client_certificate: any that the listener has verified";
    const auto add = [&](std::string_view what, const std::vector<std::string>& values) {
      if (!values.empty()) text += fmt::format("; {} {}", what, Join(values, " or "));
    };
    add("subject", rules_.subjects);
    add("name", rules_.sans);
    add("issuer", rules_.issuers);
    return text;
  }

 private:
  const Rules rules_;
};

// Calls `fault_of` for each value, which says what is wrong with it.
template <class FaultOf>
std::vector<std::string> ParseList(const config::Field& field, FaultOf&& fault_of) {
  std::vector<std::string> values;
  if (!field.present()) return values;
  for (const config::Field& item : field.RequiredItems("one value")) {
    auto value = item.Maybe<std::string>();
    if (!value) continue;
    if (std::optional<config::Refusal> fault = fault_of(*value)) item.Refuse(*fault, "");
    values.push_back(std::move(*value));
  }
  return values;
}

std::optional<config::Refusal> FaultOfSan(std::string& san) {
  const std::string_view kind = KindOf(san);
  if (kind.empty() || kind.size() == san.size())
    return config::Refusal{"is not a name of a certificate",
                           "write DNS:, URI:, email: or IP: in front"};
  if (kind == "DNS:") san = "DNS:" + ToLower(std::string_view(san).substr(kind.size()));
  const std::string_view name = std::string_view(san).substr(kind.size());
  const auto stars = std::ranges::count(name, '*');
  if (stars == 0 || (stars == 1 && (name.front() == '*' || name.back() == '*'))) return {};
  return config::Refusal{"has a '*' in the middle", "one may stand at its beginning or its end"};
}

std::optional<config::Refusal> FaultOfIssuer(std::string_view issuer) {
  if (issuer.contains('=')) return {};
  return config::Refusal{"is not the whole name of an issuer",
                         "write it as openssl x509 -noout -issuer -nameopt RFC2253 does, such as "
                         "CN=Example CA,O=Example"};
}

UserFrom ParseUser(const config::Field& field) {
  const auto text = field.Optional<std::string>("common_name");
  if (text == "subject") return UserFrom::kSubject;
  if (text == "san") return UserFrom::kSan;
  if (text != "common_name")
    field.Refuse({"is no part of a certificate", "use common_name, subject or san"}, "");
  return UserFrom::kCommonName;
}

}  // namespace

std::unique_ptr<plugin::AuthCheck> MakeClientCertificateAuth(plugin::AuthSetup setup) {
  const auto any = [](std::string_view text) {
    return text.empty() ? std::optional(config::Refusal{"is empty", "remove it"}) : std::nullopt;
  };
  Rules rules;
  rules.subjects = ParseList(setup.options["subjects"], any);
  rules.sans = ParseList(setup.options["sans"], FaultOfSan);
  rules.issuers = ParseList(setup.options["issuers"], FaultOfIssuer);
  rules.user = ParseUser(setup.options["user"]);
  setup.options.RejectUnknownKeys();
  return std::make_unique<ClientCertificateAuth>(std::move(rules));
}

}  // namespace upgate::plugins
