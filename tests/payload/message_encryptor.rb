# Encrypts and decrypts with Debian's ActiveSupport, as the gem does it. Each line of the input is
# {"action":"encrypt","digest":"SHA1","serializer":"Marshal","key":…,"text":…} or
# {"action":"decrypt",…,"envelope":{…}}; each line of the output is {"envelope":{…}},
# {"text":…} or {"refused":<class>}.

require "active_support"
require "active_support/json"
require "active_support/key_generator"
require "active_support/message_encryptor"
require "base64"
require "json"
require "openssl"

SALT = "patient_http_payload_encryption"
ITERATIONS = 65_536
LENGTH = 32

# What ActiveSupport 7.1 writes under Rails' defaults; 6.1 takes any serializer.
module JsonSerializer
  def self.dump(value) = ActiveSupport::JSON.encode(value)
  def self.load(text) = ActiveSupport::JSON.decode(text)
end

SERIALIZERS = { "Marshal" => Marshal, "JSON" => JsonSerializer }.freeze

# The key generator of 6.1 knows SHA-1 only; that of 7.0 takes a class and calls the same function.
def derive(key, digest)
  if digest == "SHA1"
    ActiveSupport::KeyGenerator.new(key, iterations: ITERATIONS).generate_key(SALT, LENGTH)
  else
    OpenSSL::PKCS5.pbkdf2_hmac(key, SALT, ITERATIONS, LENGTH, OpenSSL::Digest.new(digest))
  end
end

ENCRYPTORS = Hash.new do |known, (key, digest, serializer)|
  known[[key, digest, serializer]] = ActiveSupport::MessageEncryptor.new(
    derive(key, digest), cipher: "aes-256-gcm", serializer: SERIALIZERS.fetch(serializer)
  )
end

def answer(question)
  encryptor = ENCRYPTORS[question.values_at("key", "digest", "serializer")]
  case question.fetch("action")
  when "encrypt"
    value = Base64.strict_encode64(encryptor.encrypt_and_sign(question.fetch("text")))
    { envelope: { "__encrypted__" => true, "value" => value } }
  when "decrypt"
    message = Base64.strict_decode64(question.fetch("envelope").fetch("value"))
    { text: encryptor.decrypt_and_verify(message) }
  end
rescue ActiveSupport::MessageEncryptor::InvalidMessage => e
  { refused: e.class.name }
end

$stdin.set_encoding("UTF-8")
$stdin.each_line { |line| puts JSON.generate(answer(JSON.parse(line))) }
