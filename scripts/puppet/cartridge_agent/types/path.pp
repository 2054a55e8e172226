# An absolute path.
type Cartridge_agent::Path = Pattern[/\A\/[^\n\0]*\z/]
