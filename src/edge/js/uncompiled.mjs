// Stands in for compile.mjs where wrangler.toml names no source of a config but the bundle.

export function compile(source) {
  console.error(`config: ${source}: this build has only the bundled config. Name the source in wrangler.toml, \
as a KV namespace CONFIG or a variable SAG_API_CONFIG_JSON, and build again.`);
  return undefined;
}
