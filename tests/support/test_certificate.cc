#include "support/test_certificate.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>
#include <stdexcept>

#include "support/temporary_folder.h"

namespace patient_http::test {

namespace {

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Certificate = std::unique_ptr<X509, Free>;

constexpr const char* kHosts = "DNS:localhost,IP:127.0.0.1,IP:::1";
constexpr long kHour = 3600;

// Seconds from now.
struct Validity {
  long from = -kHour;
  long until = 24 * kHour;
};

enum class Issuer { kAuthority, kItself };

void add_extension(X509* certificate, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  if (extension == nullptr) throw std::runtime_error("cannot make a certificate extension");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

Certificate make_certificate(const Key& key, const char* name, long serial,
                             Validity validity = {}) {
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), validity.from);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), validity.until);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  return certificate;
}

Key make_key() {
  return Key(EVP_EC_gen("P-256"));
}

template <class Write>
void write_pem(const std::string& path, Write write) {
  std::FILE* file = std::fopen(path.c_str(), "wx");
  if (file == nullptr) throw std::runtime_error("cannot write " + path);
  const bool done = write(file) == 1;
  if (std::fclose(file) != 0 || !done) throw std::runtime_error("cannot write " + path);
}

// The files of one process, and the CA that signs them.
class Authority {
 public:
  Authority() : key_(make_key()), certificate_(make_certificate(key_, "patient-http test CA", 1)) {
    X509_set_issuer_name(certificate_.get(), X509_get_subject_name(certificate_.get()));
    add_extension(certificate_.get(), NID_basic_constraints, "critical,CA:TRUE");
    add_extension(certificate_.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
    X509_sign(certificate_.get(), key_.get(), EVP_sha256());
    write_pem(path("ca.pem"),
              [&](std::FILE* file) { return PEM_write_X509(file, certificate_.get()); });
  }

  TestCertificate issue(const std::string& name, const char* alternative_names,
                        Validity validity = {}, Issuer issuer = Issuer::kAuthority) {
    const Key key = make_key();
    const Certificate certificate = make_certificate(key, name.c_str(), ++serial_, validity);
    const bool is_ours = issuer == Issuer::kAuthority;
    X509_set_issuer_name(certificate.get(),
                         X509_get_subject_name((is_ours ? certificate_ : certificate).get()));
    add_extension(certificate.get(), NID_subject_alt_name, alternative_names);
    X509_sign(certificate.get(), (is_ours ? key_ : key).get(), EVP_sha256());
    TestCertificate files{path("ca.pem"), path(name + ".pem"), path(name + ".key")};
    write_pem(files.certificate_file,
              [&](std::FILE* file) { return PEM_write_X509(file, certificate.get()); });
    write_pem(files.key_file, [&](std::FILE* file) {
      return PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
    return files;
  }

  static Authority& get() {
    static Authority authority;
    return authority;
  }

 private:
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.file(name); }

  TemporaryFolder folder_;
  Key key_;
  Certificate certificate_;
  long serial_ = 1;
};

}  // namespace

const TestCertificate& TestCertificate::get() {
  static const TestCertificate certificate = Authority::get().issue("localhost", kHosts);
  return certificate;
}

const TestCertificate& TestCertificate::expired() {
  static const TestCertificate certificate =
      Authority::get().issue("expired", kHosts, Validity{.from = -2 * kHour, .until = -kHour});
  return certificate;
}

const TestCertificate& TestCertificate::not_yet_valid() {
  static const TestCertificate certificate =
      Authority::get().issue("not_yet_valid", kHosts, Validity{.from = kHour});
  return certificate;
}

const TestCertificate& TestCertificate::self_signed() {
  static const TestCertificate certificate =
      Authority::get().issue("self_signed", kHosts, {}, Issuer::kItself);
  return certificate;
}

const TestCertificate& TestCertificate::for_client() {
  static const TestCertificate certificate = Authority::get().issue("client", "DNS:client.example");
  return certificate;
}

std::string TestCertificate::encrypted_key(const std::string& passphrase) const {
  std::FILE* file = std::fopen(key_file.c_str(), "r");
  if (file == nullptr) throw std::runtime_error("cannot read " + key_file);
  const Key key(PEM_read_PrivateKey(file, nullptr, nullptr, nullptr));
  std::fclose(file);
  const std::string path = key_file + "." + passphrase;
  write_pem(path, [&](std::FILE* out) {
    return PEM_write_PKCS8PrivateKey(out, key.get(), EVP_aes_256_cbc(), passphrase.data(),
                                     static_cast<int>(passphrase.size()), nullptr, nullptr);
  });
  return path;
}

const TestCertificate& TestCertificate::for_wrong_host() {
  static const TestCertificate certificate =
      Authority::get().issue("wrong.example", "DNS:wrong.example");
  return certificate;
}

}  // namespace patient_http::test
