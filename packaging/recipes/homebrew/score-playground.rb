cask "score-playground" do
  version "@VERSION@"
  sha256 "@DISK_IMAGE_SHA256@"

  url "@REPOSITORY@/releases/download/v#{version}/score-playground-#{version}-macos-arm64.dmg"
  name "Score Playground"
  desc "@SUMMARY@"
  homepage "@REPOSITORY@"

  depends_on arch: :arm64
  depends_on macos: ">= :sonoma"

  app "Score Playground.app"
  binary "#{appdir}/Score Playground.app/Contents/MacOS/score-playground"

  zap trash: [
    "~/Library/Application Support/score-playground",
    "~/Library/Logs/score-playground",
  ]
end
