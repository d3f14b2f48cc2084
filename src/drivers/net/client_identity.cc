#include "drivers/net/client_identity.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>

#include "drivers/net/openssl_error.h"

namespace patient_http::net {

namespace {

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;

// What is asked of us for an encrypted key. Without this OpenSSL would ask at the terminal.
struct Asked {
  const std::optional<std::string>& passphrase;
  bool was_asked = false;
};

int give_passphrase(char* buffer, int size, int, void* user) {
  Asked& asked = *static_cast<Asked*>(user);
  asked.was_asked = true;
  if (!asked.passphrase || asked.passphrase->size() > static_cast<std::size_t>(size)) return -1;
  std::copy(asked.passphrase->begin(), asked.passphrase->end(), buffer);
  return static_cast<int>(asked.passphrase->size());
}

Result<Bio> open(const std::string& path) {
  ERR_clear_error();
  Bio file(BIO_new_file(path.c_str(), "r"));
  if (!file) return failure("cannot read " + path + ": " + take_openssl_error());
  return file;
}

// "Nov 30 17:00:11 2026 GMT"
std::string text_of(const ASN1_TIME* time) {
  const Bio memory(BIO_new(BIO_s_mem()));
  std::array<char, 64> text{};
  if (!memory || ASN1_TIME_print(memory.get(), time) != 1) return "an unknown time";
  const int size = BIO_read(memory.get(), text.data(), text.size());
  return {text.data(), static_cast<std::size_t>(std::max(size, 0))};
}

}  // namespace

void ClientIdentity::Free::operator()(x509_st* certificate) const {
  X509_free(certificate);
}
void ClientIdentity::Free::operator()(evp_pkey_st* key) const {
  EVP_PKEY_free(key);
}
ClientIdentity::ClientIdentity(ClientIdentity&&) noexcept = default;
ClientIdentity& ClientIdentity::operator=(ClientIdentity&&) noexcept = default;
ClientIdentity::~ClientIdentity() = default;

Result<ClientIdentity> ClientIdentity::load(const ClientIdentityFiles& files) {
  ClientIdentity identity;
  if (auto read = identity.read_certificates(files.certificate); !read) {
    return unexpected(std::move(read.error()));
  }
  if (auto read = identity.read_key(files); !read) return unexpected(std::move(read.error()));
  if (auto checked = identity.check(files); !checked) {
    return unexpected(std::move(checked.error()));
  }
  return identity;
}

Result<void> ClientIdentity::read_certificates(const std::string& path) {
  const auto file = open(path);
  if (!file) return unexpected(file.error());
  certificate_.reset(PEM_read_bio_X509_AUX(file->get(), nullptr, nullptr, nullptr));
  if (!certificate_) {
    ERR_clear_error();
    return failure("there is no certificate (PEM) in " + path);
  }
  while (Certificate next{PEM_read_bio_X509(file->get(), nullptr, nullptr, nullptr)}) {
    issuers_.push_back(std::move(next));
  }
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  if (code != 0 && ERR_GET_REASON(code) != PEM_R_NO_START_LINE) {
    return failure("a certificate after the first in " + path + " cannot be read");
  }
  return {};
}

Result<void> ClientIdentity::read_key(const ClientIdentityFiles& files) {
  const auto file = open(files.key);
  if (!file) return unexpected(file.error());
  Asked asked{files.passphrase};
  key_.reset(PEM_read_bio_PrivateKey(file->get(), nullptr, give_passphrase, &asked));
  ERR_clear_error();
  if (key_) return {};
  if (!asked.was_asked) return failure("there is no private key (PEM) in " + files.key);
  return failure(files.passphrase ? "the passphrase does not open the key in " + files.key
                                  : "the key in " + files.key + " needs a passphrase");
}

Result<void> ClientIdentity::check(const ClientIdentityFiles& files) const {
  if (X509_check_private_key(certificate_.get(), key_.get()) != 1) {
    ERR_clear_error();
    return failure("the key in " + files.key + " does not belong to the certificate in " +
                   files.certificate);
  }
  const ASN1_TIME* from = X509_get0_notBefore(certificate_.get());
  const ASN1_TIME* until = X509_get0_notAfter(certificate_.get());
  if (X509_cmp_current_time(until) < 0) {
    return failure("the certificate in " + files.certificate + " expired on " + text_of(until));
  }
  if (X509_cmp_current_time(from) > 0) {
    return failure("the certificate in " + files.certificate + " is not valid before " +
                   text_of(from));
  }
  return {};
}

bool ClientIdentity::use_in(ssl_st* ssl) const {
  if (SSL_use_certificate(ssl, certificate_.get()) != 1 ||
      SSL_use_PrivateKey(ssl, key_.get()) != 1) {
    return false;
  }
  return std::all_of(issuers_.begin(), issuers_.end(), [ssl](const Certificate& issuer) {
    return SSL_add1_chain_cert(ssl, issuer.get()) == 1;
  });
}

}  // namespace patient_http::net
