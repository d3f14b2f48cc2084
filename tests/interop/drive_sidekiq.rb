# Speaks for a Ruby application: pushes jobs with Sidekiq's client, and reads everything back with
# Sidekiq's own API. One command per line of standard input as JSON, one answer per line.

require_relative "patient_http_app"
require "sidekiq/api"

def push(command)
  Sidekiq::Client.push(
    { "class" => "PatientHttp::Sidekiq::RequestWorker", "queue" => command.fetch("queue"),
      "args" => command.fetch("args") }.merge(command["more"] || {})
  )
end

def job(entry)
  { "jid" => entry.jid, "class" => entry.klass, "queue" => entry.queue, "args" => entry.args,
    "error_message" => entry["error_message"], "error_class" => entry["error_class"],
    "retry_count" => entry["retry_count"], "enqueued_at" => (entry.enqueued_at.to_f if entry["enqueued_at"]),
    "item" => entry.item }
end

def answer(command)
  case command.fetch("do")
  when "push" then push(command)
  when "encrypt" then PatientHttp::Encryption.encrypt(command.fetch("data"))
  when "ordinary" then OrdinaryJob.set(queue: command.fetch("queue")).perform_async(command.fetch("number"))
  when "queue"
    queue = Sidekiq::Queue.new(command.fetch("name"))
    { "size" => queue.size, "latency" => queue.latency, "jobs" => queue.map { |entry| job(entry) } }
  when "queues" then Sidekiq::Queue.all.map(&:name)
  when "retries" then Sidekiq::RetrySet.new.map { |entry| job(entry) }
  when "scheduled" then Sidekiq::ScheduledSet.new.map { |entry| job(entry) }
  when "dead" then Sidekiq::DeadSet.new.map { |entry| job(entry) }
  when "retry_dead" then Sidekiq::DeadSet.new.each(&:retry)
  when "stats"
    stats = Sidekiq::Stats.new
    { "processed" => stats.processed, "processes" => stats.processes_size, "busy" => stats.workers_size,
      "failed" => stats.failed, "enqueued" => stats.enqueued,
      "today" => Sidekiq::Stats::History.new(1).processed.values.first }
  when "processes" then Sidekiq::ProcessSet.new.map { |process| process.instance_variable_get(:@attribs) }
  when "quiet" then Sidekiq::ProcessSet.new.each(&:quiet!).size
  when "stop" then Sidekiq::ProcessSet.new.each(&:stop!).size
  else raise "unknown command"
  end
end

$stdout.sync = true
$stdin.each_line do |line|
  puts JSON.generate({ "answer" => answer(JSON.parse(line)) })
rescue StandardError => error
  puts JSON.generate({ "error" => "#{error.class}: #{error.message}" })
end
