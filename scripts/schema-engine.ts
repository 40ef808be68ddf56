// Prisma's own migration engine as WebAssembly, over the driver adapter: no binary to download.
import { PrismaPg } from "@prisma/adapter-pg";
import {
  bindMigrationAwareSqlAdapterFactory,
  ColumnTypeEnum,
  type SqlDriverAdapter,
} from "@prisma/driver-adapter-utils";
import { SchemaEngine } from "@prisma/schema-engine-wasm";
import pg from "pg";

const CHAR_OID = 18;
const TEXT_OID = 25;

// The engine's catalogue queries return PostgreSQL's one-byte "char", which adapter-pg 7.10 refuses. Call it text on
// the way into the adapter and a character on the way out.
const charColumns = new WeakMap<object, number[]>();

class CataloguePool extends pg.Pool {
  // biome-ignore lint/suspicious/noExplicitAny: pg overloads query many times
  override async query(...args: any[]): Promise<any> {
    const result: pg.QueryResult = await (super.query as (...args: unknown[]) => Promise<pg.QueryResult>).apply(
      this,
      args,
    );
    const chars: number[] = [];
    result.fields?.forEach((field, index) => {
      if (field.dataTypeID !== CHAR_OID) return;
      field.dataTypeID = TEXT_OID;
      chars.push(index);
    });
    if (result.rows) charColumns.set(result.rows, chars);
    return result;
  }
}

class CataloguePg extends PrismaPg {
  override async connect(): ReturnType<PrismaPg["connect"]> {
    return patched(await super.connect());
  }
  override async connectToShadowDb(): ReturnType<PrismaPg["connectToShadowDb"]> {
    return patched(await super.connectToShadowDb());
  }
}

function patched<A extends SqlDriverAdapter>(adapter: A): A {
  const queryRaw = adapter.queryRaw.bind(adapter);
  adapter.queryRaw = async (query) => {
    const result = await queryRaw(query);
    for (const index of charColumns.get(result.rows) ?? []) result.columnTypes[index] = ColumnTypeEnum.Character;
    return result;
  };
  return adapter;
}

export function openSchemaEngine(url: string, datamodel?: string): Promise<SchemaEngine> {
  const adapter = bindMigrationAwareSqlAdapterFactory(
    new CataloguePg(new CataloguePool({ connectionString: url, max: 2 }), { disposeExternalPool: true }),
  );
  return SchemaEngine.new(
    { datamodels: datamodel === undefined ? undefined : [["schema.prisma", datamodel]] },
    () => {},
    adapter,
  );
}
